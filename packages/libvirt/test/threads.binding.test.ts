import { describe, expect, it, vi } from 'vitest';
import { connect } from '@etcd-compute/libvirt/connection';
import { CallTimeoutError, LibvirtError, TooManyHungCallsError } from '@etcd-compute/libvirt/errors';
import { configureThreads, countHungThreads } from '@etcd-compute/libvirt/threads';
import { renderDomain } from '@etcd-compute/libvirt/xml/domain';
import { aDomain } from './builders.js';
import { startSilentDaemon } from './silent-daemon.js';

const URI = 'test:///default';

describe('call threads', () => {
  it('run a thousand calls at once', async () => {
    await using connection = await connect(URI);
    const names = await Promise.all(
      Array.from({ length: 1000 }, async () => {
        await using domain = await connection.domainDefineXML(renderDomain(aDomain()));
        await domain.undefineFlags(0);
        return domain.name;
      }),
    );
    expect(new Set(names).size).toBe(1000);
  });

  it('never mix the errors of calls that fail at once', async () => {
    await using connection = await connect(URI);
    const kinds = [
      { call: (name: string) => connection.domainLookupByName(name), code: 'VIR_ERR_NO_DOMAIN', echoes: false },
      { call: (name: string) => connection.networkLookupByName(name), code: 'VIR_ERR_NO_NETWORK', echoes: true },
      {
        call: (name: string) => connection.storagePoolLookupByName(name),
        code: 'VIR_ERR_NO_STORAGE_POOL',
        echoes: true,
      },
      {
        call: (name: string) => connection.storageVolLookupByPath(`/${name}`),
        code: 'VIR_ERR_NO_STORAGE_VOL',
        echoes: true,
      },
    ];
    const outcomes = await Promise.all(
      Array.from({ length: 1000 }, async (_, index) => {
        const { call, code, echoes } = kinds[index % kinds.length] ?? {
          call: () => Promise.resolve(),
          code: '',
          echoes: true,
        };
        const name = `absent-${index}-`;
        const error: unknown = await call(name).catch((failure: unknown) => failure);
        return error instanceof LibvirtError && error.code === code && (!echoes || error.message.includes(name));
      }),
    );
    expect(outcomes.filter((isOwn) => !isOwn)).toHaveLength(0);
  });

  it('go on when one hangs, and the main thread never blocks', async () => {
    await using daemon = await startSilentDaemon();
    await using connection = await connect(URI);
    const hanging = connect(daemon.uri).catch((error: unknown) => error);
    await daemon.connections(1);
    // Served while the other call hangs, and by this thread's own event loop.
    expect(await connection.getType()).toBe('TEST');
    daemon.hangUp();
    expect(await hanging).toBeInstanceOf(LibvirtError);
  });

  it('are replaced when their call misses its deadline, and serve again when it returns', async () => {
    await using daemon = await startSilentDaemon();
    await using connection = await connect(URI);
    configureThreads({ maxThreads: 1, maxHungThreads: 2 });
    await expect(connect(daemon.uri, { callTimeoutMs: 20 })).rejects.toThrow(CallTimeoutError);
    await expect(connect(daemon.uri, { timeoutMs: 20 })).rejects.toThrow(CallTimeoutError);
    expect(countHungThreads()).toBe(2);
    await expect(connect(URI)).rejects.toThrow(TooManyHungCallsError);
    expect(await connection.getType()).toBe('TEST');
    daemon.hangUp();
    await vi.waitFor(() => expect(countHungThreads()).toBe(0), { timeout: 30_000 });
    configureThreads({ maxThreads: 4, maxHungThreads: 16 });
    expect(await connection.getType()).toBe('TEST');
  });

  it('let a call without a deadline, or with one that no timer can wait for, take its time', async () => {
    await using connection = await connect(URI, { callTimeoutMs: Infinity });
    expect(await connection.getType({ timeoutMs: 2 ** 40 })).toBe('TEST');
  });

  it('refuse settings that make no sense', () => {
    expect(() => configureThreads({ maxHungThreads: 0 })).toThrow('could not set maxHungThreads to 0');
    expect(() => configureThreads({ maxThreads: 0 })).toThrow('could not set maxThreads to 0');
    expect(() => configureThreads({ minThreads: -1 })).toThrow('could not set minThreads to -1');
  });
});
