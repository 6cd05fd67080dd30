/** `eschedule logs` against a real agent, whose consoles the test writes as the hypervisor does. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, mkdir, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { ENDPOINT_TLS } from '@etcd-compute/common/endpoint/protocol';
import { consoleEndpointSchema, type ConsoleEndpoint } from '@etcd-compute/common/etcd/messages/console-endpoint';
import { newInstanceUuid, type InstanceUuid } from '@etcd-compute/common/ids';
import type { Ecompute } from '@etcd-compute/testing/ecompute';
import { waitFor } from '@etcd-compute/testing/wait-for';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { askToDestroy, boot, hostOf, startWorld, waitForState, type World } from '../fixtures/agent-world.js';
import { start } from '../fixtures/eschedule-fixture.js';

const PROGRAM = fileURLToPath(import.meta.resolve('@etcd-compute/scheduler/eschedule.cjs'));

let world: World;
let agent: Ecompute;

beforeAll(async () => {
  world = await startWorld();
  await mkdir(join(world.dir.path, 'agent'));
  agent = await world.startAgent({ dir: join(world.dir.path, 'agent'), config: { period: 1, presence_ttl: 3 } });
  await waitForEndpoint();
  const endpoints = { etcd: { host: world.etcd.host, port: world.etcd.port }, placement: world.placement };
  const { etcd, placement } = endpoints;
  await writeFile(join(world.dir.path, 'schedule.yaml'), JSON.stringify({ etcd, placement: placement.section }));
});
afterAll(async () => {
  await agent[Symbol.asyncDispose]();
  await world[Symbol.asyncDispose]();
});

const readEndpoint = async (): Promise<ConsoleEndpoint | undefined> => {
  const entry = await world.store.get(world.keys.console(hostOf(agent)));
  return entry && consoleEndpointSchema.parse(JSON.parse(entry.value));
};

const waitForEndpoint = async (): Promise<ConsoleEndpoint> => waitFor(readEndpoint, { what: 'the agent’s endpoint' });

const logFile = (instance: InstanceUuid, suffix = ''): string =>
  join(agent.stateDir, 'consoles', `${instance}.log${suffix}`);

const bootActive = async (): Promise<InstanceUuid> => {
  const instance = await boot(world, agent.uuid);
  await waitForState(world, instance, 'active');
  return instance;
};

const eschedule = async (...argv: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> =>
  start(argv, world.dir.path).finished;

const memoryOfAgentMiB = async (): Promise<number> => {
  const status = await readFile(`/proc/${agent.pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) / 1024;
};

interface Follower extends AsyncDisposable {
  readonly stdout: () => string;
  readonly stderr: () => string;
  waitForText(text: string): Promise<void>;
  interrupt(): void;
  readonly code: Promise<number | null>;
}

const follow = (...argv: string[]): Follower => {
  const child = spawn(process.execPath, [PROGRAM, 'logs', '--follow', ...argv], { cwd: world.dir.path });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString('latin1')));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const code = once(child, 'close').then(() => child.exitCode);
  return {
    stdout: () => stdout,
    stderr: () => stderr,
    waitForText: async (text) => {
      await waitFor(() => stdout.includes(text), { what: `'${text}'`, onTimeout: () => `${stdout}\n${stderr}` });
    },
    interrupt: () => child.kill('SIGINT'),
    code,
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL');
      await code;
    },
  };
};

describe('eschedule logs', () => {
  test('prints every byte that is kept, the oldest first, or the last lines, across files', async () => {
    const instance = await bootActive();
    const old = Buffer.concat([Buffer.from('one\r\ntwo\r\n'), Buffer.from([0xff, 0x1b, 0x00]), Buffer.from('\r\n')]);
    await writeFile(logFile(instance, '.1'), old);
    await writeFile(logFile(instance, '.0'), 'three\r\n');
    await writeFile(logFile(instance), 'four\r\nlogin: ');
    const child = spawn(process.execPath, [PROGRAM, 'logs', instance], { cwd: world.dir.path });
    const chunks: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    await once(child, 'close');
    expect(child.exitCode).toBe(0);
    expect(Buffer.concat(chunks)).toEqual(Buffer.concat([old, Buffer.from('three\r\nfour\r\nlogin: ')]));
    expect(await eschedule('logs', instance, '--tail', '3')).toEqual({
      code: 0,
      stdout: 'three\r\nfour\r\nlogin: ',
      stderr: '',
    });
    expect((await eschedule('logs', instance, '--tail', '1')).stdout).toBe('login: ');
    expect((await eschedule('logs', instance, '--tail', '0')).stdout).toBe('');
    expect((await eschedule('logs', instance, '--tail', '99')).stdout).toHaveLength(old.length + 20);
  });

  test('follows a log that grows, is moved aside, is begun anew, and whose agent is killed: each line once', async () => {
    const instance = await bootActive();
    await writeFile(logFile(instance), 'skipped\nline 1\n');
    await using follower = follow(instance, '--tail', '1');
    await follower.waitForText('line 1\n');
    await appendFile(logFile(instance), 'line 2\n');
    await follower.waitForText('line 2\n');
    // As virtlogd does it.
    await appendFile(logFile(instance), 'line 3\n');
    await rename(logFile(instance), logFile(instance, '.0'));
    await writeFile(logFile(instance), 'line 4\n');
    await follower.waitForText('line 4\n');

    agent.kill('SIGKILL');
    await agent.exit();
    await appendFile(logFile(instance), 'line 5\n');
    await rename(logFile(instance, '.0'), logFile(instance, '.1'));
    await rename(logFile(instance), logFile(instance, '.0'));
    await writeFile(logFile(instance), 'line 6\n');
    await waitFor(() => follower.stderr().includes('trying again'), { what: 'it to say so' });
    await agent.restart();
    await follower.waitForText('line 6\n');
    expect(follower.stdout()).toBe([1, 2, 3, 4, 5, 6].map((line) => `line ${line}\n`).join(''));

    expect(follower.stderr()).not.toContain('does not follow');

    // As qemu does it at the next start of the guest.
    await truncate(logFile(instance), 0);
    await appendFile(logFile(instance), 'again\n');
    await follower.waitForText('again\n');
    expect(follower.stdout().endsWith('line 6\nagain\n')).toBe(true);
    follower.interrupt();
    expect(await follower.code).toBe(130);
  });

  test('SIGTERM of the agent is not held up by who follows, and a deleted instance ends the following', async () => {
    const instance = await bootActive();
    await writeFile(logFile(instance), 'hello\n');
    await using follower = follow(instance);
    await follower.waitForText('hello\n');
    // stop() kills it after 30 s.
    expect(await agent.stop()).toEqual({ code: 0, signal: null });
    expect(await readEndpoint()).toBeUndefined();
    await agent.restart();
    await waitForEndpoint();
    await appendFile(logFile(instance), 'back\n');
    await follower.waitForText('back\n');
    await askToDestroy(world, agent.uuid, instance);
    expect(await follower.code).toBe(0);
    expect(follower.stdout()).toBe('hello\nback\n');
    expect(follower.stderr()).toContain(`instance ${instance} has been deleted`);
    expect(await eschedule('logs', instance)).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringContaining('is deleted'),
    });
  });

  test('a reader that takes nothing costs the agent no memory and no one else anything', async () => {
    const instance = await bootActive();
    await writeFile(logFile(instance), Buffer.alloc(64 * 1024 * 1024, 'x'));
    const other = await bootActive();
    await writeFile(logFile(other), 'quick\n');
    const before = await memoryOfAgentMiB();
    const child = spawn(process.execPath, [PROGRAM, 'logs', instance], { cwd: world.dir.path });
    await once(child.stdout, 'readable'); // and nobody reads
    expect((await eschedule('logs', other)).stdout).toBe('quick\n');
    expect((await memoryOfAgentMiB()) - before).toBeLessThan(32);
    child.kill('SIGKILL');
    child.stdout.destroy();
    await once(child, 'close');
    await rm(logFile(instance));
  });

  test('says what is wrong: unknown, no log, a tunnel that is not allowed', async () => {
    const instance = await bootActive();
    const unknown = newInstanceUuid();
    expect(await eschedule('logs', unknown)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`no instance '${unknown}'`),
    });
    expect(await eschedule('logs', instance)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`there is no console log of instance ${instance}`),
    });
    const tunnel = await eschedule('tunnel', instance, '--port', '80');
    expect(tunnel).toMatchObject({ code: 1, stdout: '' });
    expect(tunnel.stderr).toContain('its host does not allow tunnels to that port\nhint: allowed: 22');
    expect(await eschedule('logs', instance, '-o', 'json')).toMatchObject({ code: 2 });
  });

  test('who has not the key is refused in the handshake, and the agent puts the right one back', async () => {
    const instance = await bootActive();
    await writeFile(logFile(instance), 'secret\n');
    const { port, session } = await waitForEndpoint();
    for (const [psk, identity] of [
      [Buffer.alloc(32, 1), session],
      [Buffer.alloc(32, 1), 'nobody'],
    ] as const) {
      const socket = connect({
        host: '127.0.0.1',
        port,
        ...ENDPOINT_TLS,
        pskCallback: () => ({ psk, identity }),
        checkServerIdentity: () => undefined,
      });
      await expect(once(socket, 'secureConnect')).rejects.toThrow(/alert/);
    }
    const plain = connect({ host: '127.0.0.1', port, rejectUnauthorized: false });
    await expect(once(plain, 'secureConnect')).rejects.toThrow(/handshake failure/);

    const key = world.keys.console(hostOf(agent));
    const spoil = async (): Promise<boolean> => {
      const entry = await world.store.get(key);
      const value = JSON.stringify({
        ...consoleEndpointSchema.parse(JSON.parse(entry?.value ?? '')),
        key: Buffer.alloc(32, 2).toString('base64'),
      });
      return (await world.store.txn([{ key, modRevision: entry?.modRevision ?? '0' }], [{ op: 'put', key, value }]))
        .isCommitted;
    };
    // The agent puts the right one back once a second, so the wrong one is put again and again.
    const spoilt = new AbortController();
    const spoiling = (async () => {
      while (!spoilt.signal.aborted) await spoil();
    })();
    try {
      const { code, stderr } = await eschedule('logs', instance);
      expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining('does not accept its key') });
    } finally {
      spoilt.abort();
      await spoiling;
    }
    await waitFor(async () => (await eschedule('logs', instance)).stdout === 'secret\n', { what: 'the right key' });
    const { key: secret } = await waitForEndpoint();
    expect(JSON.stringify(await agent.readLog())).not.toContain(secret);
    expect((await eschedule('hosts', '-o', 'json')).stdout).not.toContain(secret);
  });

  test('a host that is down, or whose agent does not serve, is named', async () => {
    const instance = await bootActive();
    await agent.stop();
    const down = await eschedule('logs', instance, '--follow');
    expect(down).toMatchObject({ code: 1, stdout: '' });
    expect(down.stderr).toContain(`the agent of host ${agent.uuid} is down`);
    await agent.restart();
    const { stdout } = await eschedule('list', '--all-projects');
    expect(stdout).toContain(instance);
    await using mute = await world.startAgent({ config: { endpoint: { enabled: false } } });
    const elsewhere = await boot(world, mute.uuid);
    await waitForState(world, elsewhere, 'active');
    const off = await eschedule('logs', elsewhere);
    expect(off.code).toBe(1);
    expect(off.stderr).toContain(`the agent of host ${mute.uuid} does not serve consoles`);
  });
});
