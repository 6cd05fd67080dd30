import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { startEplacement } from '@etcd-compute/testing/eplacement';
import { startEtcd, type EtcdServer } from '@etcd-compute/testing/etcd-server';
import { getFreePort } from '@etcd-compute/testing/free-port';
import { makeTempDir, type TempDir } from '@etcd-compute/testing/temp-dir';
import { waitFor } from '@etcd-compute/testing/wait-for';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ask, readLog, run, sendHalf, startProcess, waitForLine, writeConfig } from './serving.js';

/** How the server starts and stops, and what it says when it cannot. */
let etcd: EtcdServer;
let dir: TempDir;
beforeAll(async () => {
  etcd = await startEtcd();
  dir = await makeTempDir('eplacement');
});
afterAll(async () => {
  await etcd.stop();
  await dir[Symbol.asyncDispose]();
});

const write = async (config: object): Promise<string> => writeConfig(dir, config);
const start = async (config: object): ReturnType<typeof startProcess> => startProcess(dir, config);

const exitOf = async (child: ChildProcess): Promise<number | null> => {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  return child.exitCode;
};

describe.concurrent('a wrong start', () => {
  test('says all that is wrong in the config, with file and line: exit 2', async () => {
    const path = join(dir.path, 'wrong.yaml');
    await writeFile(path, 'etcd: {port: many}\nlisten:\n  prot: 80\nauth: tokens\ntls: {cert: x}\n');
    const { code, stderr, stdout } = await run('--config', path, '--check-config');
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    for (const said of [':1: etcd.port: ', ':3: listen.prot: unknown key', ':5: tls.key: '])
      expect(stderr).toContain(path + said);
    expect(stderr).not.toContain('    at ');
  });

  test.each([
    [{ auth: 'tokens' }, 2, 'tokens_file: auth: tokens needs it'],
    [{ auth: 'tokens', tokens_file: '/no/such' }, 1, 'could not read the config /no/such'],
    [{ policy_file: '/no/such' }, 1, 'could not read /no/such, named by policy_file'],
    [{ tls: { cert: '/no/cert', key: '/no/key' } }, 1, 'could not read /no/cert, named by tls.cert'],
    [{ tls: { cert: '/dev/null', key: '/dev/null' } }, 2, 'could not use /dev/null with /dev/null'],
    [{ listen: { path: 'placement/' } }, 2, 'listen.path: '],
  ])('%j: exit %i', async (config, code, said) => {
    expect(await run('--config', await write(config), '--check-config')).toMatchObject({
      code,
      stderr: expect.stringContaining(said),
    });
  });

  test('an address that another one listens at: exit 1', async () => {
    const config = await write({ etcd: { port: etcd.port, prefix: '/taken' }, listen: { port: etcd.port } });
    const { code, stderr } = await run('--config', config);
    expect(code).toBe(1);
    expect(stderr).toContain(`could not listen at 127.0.0.1, port ${etcd.port}: listen EADDRINUSE`);
    expect(stderr).toContain('eplacement: hint: ');
  });

  test('options: help, version, one that there is not, a config that is in order', async () => {
    expect(await run('--version')).toMatchObject({ code: 0, stdout: '0.1.0\n' });
    expect((await run('--help')).stdout).toContain('--check-config');
    expect(await run('--confg', 'x')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('see eplacement --help'),
    });
    expect(await run('--config', await write({}), '--check-config')).toMatchObject({
      code: 0,
      stderr: 'eplacement: the config is in order\n',
    });
  });
});

test('it waits for etcd and says so; a signal ends that', async () => {
  const [port, etcdPort] = [await getFreePort(), await getFreePort()];
  const config = { etcd: { host: '127.0.0.1', port: etcdPort }, listen: { port } };
  const first = await start(config);
  await waitForLine(first.logPath, `waiting for etcd at http://127.0.0.1:${etcdPort}`);
  first.child.kill('SIGTERM');
  expect(await exitOf(first.child)).toBe(0);

  const { child, logPath } = await start(config);
  await waitForLine(logPath, `waiting for etcd at http://127.0.0.1:${etcdPort}`);
  const late = await startEtcd({ clientPort: etcdPort });
  try {
    await waitForLine(logPath, 'eplacement is ready');
    expect(await ask({ endpoint: `http://127.0.0.1:${port}` }, '/resource_providers')).toMatchObject({ status: 200 });
    child.kill('SIGINT');
    expect(await exitOf(child)).toBe(0);
  } finally {
    await late.stop();
  }
});

describe('SIGTERM in the middle of a request', () => {
  const isRefused = async (port: number): Promise<boolean> => {
    const socket = connect(port, '127.0.0.1');
    const outcome = await once(socket, 'connect').then(
      () => false,
      () => true,
    );
    socket.destroy();
    return outcome;
  };

  test('takes no new connections, answers what is under way, and ends', async () => {
    const port = await getFreePort();
    const { child, logPath } = await start({ etcd: { port: etcd.port, prefix: '/stop' }, listen: { port } });
    await waitForLine(logPath, 'eplacement is ready');
    // An idle connection is not waited for.
    await ask({ endpoint: `http://127.0.0.1:${port}` }, '/');
    const { socket, reply, finish } = await sendHalf(port);
    child.kill('SIGTERM');
    await waitFor(async () => isRefused(port), { what: 'new connections to be refused' });
    expect(child.exitCode).toBeNull();
    finish();
    await once(socket, 'close');
    expect(reply()).toMatch(/^HTTP\/1\.1 201 Created\r\n/);
    expect(reply().toLowerCase()).toContain('\r\nconnection: close\r\n');
    expect(await exitOf(child)).toBe(0);
    expect((await readLog(logPath)).at(-1)?.msg).toBe('eplacement has stopped');
  });

  test('a request that does not end is left at the deadline', async () => {
    const port = await getFreePort();
    const { child, logPath } = await start({
      etcd: { port: etcd.port, prefix: '/stop' },
      listen: { port },
      limits: { shutdown: 0.5 },
    });
    await waitForLine(logPath, 'eplacement is ready');
    const { socket } = await sendHalf(port);
    child.kill('SIGTERM');
    await once(socket, 'close');
    expect(await exitOf(child)).toBe(0);
    await waitForLine(logPath, 'requests that were under way are left unanswered');
  });

  test('a second signal ends it at once', async () => {
    const port = await getFreePort();
    const { child, logPath } = await start({ etcd: { port: etcd.port, prefix: '/stop' }, listen: { port } });
    await waitForLine(logPath, 'eplacement is ready');
    const { socket } = await sendHalf(port);
    child.kill('SIGTERM');
    await waitForLine(logPath, 'asked to stop');
    child.kill('SIGTERM');
    expect(await exitOf(child)).toBe(1);
    socket.destroy();
  });
});

test('etcd goes away and comes back: what needs it is told 503 meanwhile, and all is there afterwards', async () => {
  await using other = await startEtcd();
  await using server = await startEplacement({ etcd: other, config: { etcd: { port: other.port, timeout: 1 } } });
  expect(await ask(server, '/resource_providers', { method: 'POST', body: { name: 'kept' } })).toMatchObject({
    status: 200,
  });
  expect(await ask(server, '/healthz', { token: '' })).toMatchObject({ status: 200, text: '{"status":"ok"}\n' });
  await other.kill();
  const health = await ask(server, '/healthz', { token: '' });
  expect(health.status).toBe(503);
  expect(JSON.parse(health.text)).toMatchObject({ status: 'unavailable', reason: expect.stringContaining('etcd') });
  const refused = await ask(server, '/resource_providers');
  expect(refused.status).toBe(503);
  expect(JSON.parse(refused.text).errors[0]).toMatchObject({ status: 503, title: 'Service Unavailable' });
  // What etcd is not needed for.
  expect(await ask(server, '/')).toMatchObject({ status: 200 });
  await other.restart();
  await waitFor(async () => (await ask(server, '/healthz')).status === 200, {
    what: 'the server to follow etcd again',
  });
  expect(JSON.parse((await ask(server, '/resource_providers')).text).resource_providers).toMatchObject([
    { name: 'kept' },
  ]);
});
