import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Connection } from '@etcd-compute/libvirt/connection';
import { LibvirtError } from '@etcd-compute/libvirt/errors';
import { superviseConnection } from '@etcd-compute/libvirt/reconnect';

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'reconnect-'));
});

afterEach(() => rm(directory, { recursive: true, force: true }));

const NODE = '<node><cpu><mhz>6000</mhz><model>xeon</model><active>4</active></cpu><memory>8192000</memory></node>';
/** Far longer than needed. */
const DEADLINE = { timeout: 30_000, interval: 5 };

const never = new AbortController().signal;

describe('supervised connection', () => {
  it('keeps trying until the hypervisor is there, and says once why it is not', async () => {
    const path = join(directory, 'node.xml');
    const reasons: Error[] = [];
    await using supervised = superviseConnection({
      uri: `test://${path}`,
      minBackoffMs: 1,
      maxBackoffMs: 5,
      onUp: () => undefined,
      onDown: (reason) => reasons.push(reason),
      signal: never,
    });
    await vi.waitFor(() => expect(reasons).not.toEqual([]), DEADLINE);
    expect(() => supervised.get()).toThrow(expect.objectContaining({ code: 'VIR_ERR_NO_CONNECT', cause: reasons[0] }));
    const draft = join(directory, 'draft.xml');
    await writeFile(draft, NODE);
    await copyFile(draft, path);
    const connection = await supervised.waitUp(AbortSignal.timeout(30_000));
    expect((await connection.getNodeInfo()).model).toBe('xeon');
    expect(supervised.get()).toBe(connection);
    expect(reasons[0]).toBeInstanceOf(LibvirtError);
    expect(new Set(reasons.map(({ message }) => message)).size).toBe(reasons.length);
  });

  it('comes back after a loss, with a new connection for the owner to list again', async () => {
    const ups: Connection[] = [];
    const downs: string[] = [];
    await using supervised = superviseConnection({
      uri: 'test:///default',
      minBackoffMs: 1,
      onUp: (connection) => void ups.push(connection),
      onDown: ({ message }) => downs.push(message),
      signal: never,
    });
    const first = await supervised.waitUp(AbortSignal.timeout(30_000));
    await first.close(); // as good as a loss: somebody ended it
    await vi.waitFor(() => expect(ups).toHaveLength(2), DEADLINE);
    const second = await supervised.waitUp(AbortSignal.timeout(30_000));
    expect(second).not.toBe(first);
    expect(await second.isAlive()).toBe(true);
    expect(downs).toEqual(['the connection to test:///default was lost (client)']);
  });

  it('tries again when its owner could not take the connection', async () => {
    let attempts = 0;
    const downs: string[] = [];
    await using supervised = superviseConnection({
      uri: 'test:///default',
      minBackoffMs: 1,
      onUp: async (connection) => {
        attempts += 1;
        await connection.listAllDomains();
        if (attempts < 3) throw new Error(`attempt ${attempts} failed`);
      },
      onDown: ({ message }) => downs.push(message),
      signal: never,
    });
    await supervised.waitUp(AbortSignal.timeout(30_000));
    expect(downs).toEqual(['attempt 1 failed', 'attempt 2 failed']);
  });

  it('ends with its signal: no attempt, no connection, no report', async () => {
    const stop = new AbortController();
    const downs: Error[] = [];
    const supervised = superviseConnection({
      uri: 'test:///default',
      onUp: () => undefined,
      onDown: (reason) => downs.push(reason),
      signal: stop.signal,
    });
    const connection = await supervised.waitUp(AbortSignal.timeout(30_000));
    stop.abort(new Error('shutting down'));
    await supervised[Symbol.asyncDispose]();
    expect(connection.isClosed).toBe(true);
    expect(downs).toEqual([]);
    expect(() => supervised.get()).toThrow(LibvirtError);
    await expect(supervised.waitUp(never)).rejects.toThrow('shutting down');
  });

  it('lets a waiter give up', async () => {
    await using supervised = superviseConnection({
      uri: `test://${join(directory, 'absent.xml')}`,
      onUp: () => undefined,
      onDown: () => undefined,
      signal: never,
    });
    const waiter = new AbortController();
    const waiting = supervised.waitUp(waiter.signal);
    waiter.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
  });
});
