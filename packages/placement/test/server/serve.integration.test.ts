import { once } from 'node:events';
import { readFile, rename, writeFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { get } from 'node:https';
import { join } from 'node:path';
import { TLSSocket } from 'node:tls';
import { startEplacement } from '@etcd-compute/testing/eplacement';
import type { HttpServerOptions } from '@etcd-compute/testing/http-server';
import { startEtcd, type EtcdServer } from '@etcd-compute/testing/etcd-server';
import { getFreePort } from '@etcd-compute/testing/free-port';
import type { PlacementServer } from '@etcd-compute/testing/placement-server';
import { runCommand } from '@etcd-compute/testing/run-command';
import { makeTempDir, type TempDir } from '@etcd-compute/testing/temp-dir';
import { waitFor } from '@etcd-compute/testing/wait-for';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ask, readLog, sendHalf, startProcess, waitForLine } from './serving.js';

/** What a server does while it serves: for whom, beside which others, and what it tells of it. */
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

let count = 0;
/** A server with a Placement of its own. */
const start = async (options: Partial<HttpServerOptions> = {}): Promise<PlacementServer> => {
  count += 1;
  return startEplacement({ etcd, prefix: `/cloud${count}`, ...options });
};

const namesAt = async (server: PlacementServer): Promise<string[]> => {
  const { resource_providers: providers }: { resource_providers: { name: string }[] } = JSON.parse(
    (await ask(server, '/resource_providers')).text,
  );
  return providers.map(({ name }) => name).toSorted();
};

const createProvider = async (server: PlacementServer, name: string): Promise<number> =>
  (await ask(server, '/resource_providers', { method: 'POST', body: { name } })).status;

test('two servers of one prefix are one Placement; one of another prefix is another', async () => {
  await using one = await start({ prefix: '/shared' });
  await using two = await start({ prefix: '/shared' });
  await using other = await start({ prefix: '/shared2' });
  for (let index = 0; index < 10; index += 1) {
    expect(await createProvider(index % 2 === 0 ? one : two, `host${index}`)).toBe(200);
    expect(await namesAt(one)).toEqual(await namesAt(two));
  }
  expect(await createProvider(two, 'host0')).toBe(409);
  expect(await namesAt(one)).toHaveLength(10);
  expect(await namesAt(other)).toEqual([]);
  await one.kill();
  expect(await namesAt(two)).toHaveLength(10);
  await one.restart();
  expect(await namesAt(one)).toHaveLength(10);
});

test('with tokens: who has none is told 401, each may do what its roles say, and a changed file counts', async () => {
  const path = join(dir.path, 'tokens.yaml');
  const write = async (text: string): Promise<void> => {
    await writeFile(`${path}.new`, text);
    await rename(`${path}.new`, path);
  };
  await write(`tokens:
  - {token: the-token-of-an-admin, user: operator, project: admin, roles: [admin]}
  - {token: the-token-of-a-reader, user: someone, project: p1, roles: [reader]}
`);
  await using server = await start({
    config: { auth: 'tokens', tokens_file: path, enforce_new_defaults: true },
  });
  const create = async (token: string, headers = {}): Promise<number> =>
    (await ask(server, '/resource_providers', { method: 'POST', body: { name: token }, token, headers })).status;
  const list = async (token: string): Promise<number> => (await ask(server, '/traits', { token })).status;

  expect([await create('the-token-of-an-admin'), await list('the-token-of-an-admin')]).toEqual([200, 200]);
  expect(await create('the-token-of-a-reader', { 'x-roles': 'admin' })).toBe(403);
  for (const stranger of ['', 'admin', 'the-token-of-an-admin2']) expect(await list(stranger)).toBe(401);
  expect((await ask(server, '/usages?project_id=p1', { token: 'the-token-of-a-reader' })).status).toBe(200);
  expect((await ask(server, '/usages?project_id=p2', { token: 'the-token-of-a-reader' })).status).toBe(403);
  // Of its versions, health and metrics anybody may know.
  for (const open of ['/', '/healthz', '/metrics']) expect((await ask(server, open, { token: '' })).status).toBe(200);

  await write('tokens: [{token: the-token-of-an-admin, user: operator}, oops');
  await waitForLine(server.logPath, 'the files that the config names have changed; used as they were before');
  expect(await list('the-token-of-an-admin')).toBe(200);
  await write('tokens: [{token: another-admin-token, user: operator, project: admin, roles: [admin]}]');
  await waitFor(async () => (await list('another-admin-token')) === 200, { what: 'the new token to be taken' });
  expect(await list('the-token-of-an-admin')).toBe(401);
  // No log has a token.
  expect(await readFile(server.logPath, 'utf8')).not.toMatch(/the-token-of|another-admin-token/);
});

test('a policy file replaces rules, and what it says now counts', async () => {
  const path = join(dir.path, 'policy.yaml');
  await writeFile(path, '"placement:resource_providers:create": "role:creator"\n');
  await using server = await start({ config: { policy_file: path } });
  const create = async (roles: string): Promise<number> =>
    (await ask(server, '/resource_providers', { method: 'POST', body: { name: roles }, headers: { 'x-roles': roles } }))
      .status;
  expect([await create('admin'), await create('creator')]).toEqual([403, 200]);
  await writeFile(path, '{}');
  await waitFor(async () => (await create('admin')) === 200, { what: 'the built-in rule to count again' });
});

test('links are below the path in front of the API; health and metrics are not', async () => {
  const port = await getFreePort();
  const { child } = await startProcess(dir, {
    etcd: { port: etcd.port, prefix: '/below' },
    listen: { port, path: '/placement' },
  });
  const at = { endpoint: `http://127.0.0.1:${port}` };
  await waitFor(async () => (await ask(at, '/healthz')).status === 200, { what: 'the server to be there' });
  const { status, headers } = await ask(at, '/placement/resource_providers', {
    method: 'POST',
    body: { name: 'a', uuid: UUID },
    headers: { 'openstack-api-version': 'placement 1.19' },
  });
  expect({ status, location: headers.get('location') }).toEqual({
    status: 201,
    location: `${at.endpoint}/placement/resource_providers/${UUID}`,
  });
  expect((await ask(at, `/placement/resource_providers/${UUID}`)).text).toContain(
    `"/placement/resource_providers/${UUID}`,
  );
  expect((await ask(at, '/resource_providers')).status).toBe(404);
  child.kill('SIGTERM');
});

test('https, with the certificate that the files hold now', async () => {
  const file = (name: string): string => join(dir.path, name);
  const makeCertificate = async (name: string): Promise<void> => {
    const certificate = `-subj /CN=${name} -addext subjectAltName=IP:127.0.0.1 -keyout ${file('new.key')} -out ${file('new.pem')}`;
    await runCommand(
      `openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 ${certificate}`.split(' '),
    );
    await rename(file('new.key'), file('tls.key'));
    await rename(file('new.pem'), file('tls.pem'));
  };
  await makeCertificate('first');
  const port = await getFreePort();
  const { child, logPath } = await startProcess(dir, {
    etcd: { port: etcd.port, prefix: '/tls' },
    listen: { port },
    tls: { cert: file('tls.pem'), key: file('tls.key') },
  });
  expect(await waitForLine(logPath, 'eplacement is ready')).toMatchObject({ url: `https://127.0.0.1:${port}` });
  const nameOf = async (): Promise<unknown> => {
    const sent = get({ port, path: '/', rejectUnauthorized: false, agent: false });
    const [response]: IncomingMessage[] = await once(sent, 'response');
    response?.resume();
    const { socket } = response ?? {};
    return socket instanceof TLSSocket ? socket.getPeerCertificate().subject.CN : undefined;
  };
  expect(await nameOf()).toBe('first');
  await makeCertificate('second');
  await waitFor(async () => (await nameOf()) === 'second', { what: 'the new certificate to be used' });
  child.kill('SIGTERM');
});

test('metrics count requests by route and status, and never tell a uuid; the log tells who asked for what', async () => {
  await using server = await start();
  const provider = `/resource_providers/${UUID}`;
  await ask(server, '/resource_providers', { method: 'POST', body: { name: 'a', uuid: UUID } });
  await ask(server, provider, { token: 'someone:project1' });
  await ask(server, `${provider}?x=${UUID}`);
  await ask(server, `/nothing/${UUID}`);
  await ask(server, '/healthz');
  const { text, headers } = await ask(server, '/metrics', { token: '' });
  expect(headers.get('content-type')).toMatch('text/plain; version=0.0.4');
  expect(text).not.toContain(UUID);
  for (const line of [
    'eplacement_requests_total{method="POST",route="/resource_providers",status="200"} 1',
    'eplacement_requests_total{method="GET",route="/resource_providers/:uuid",status="200"} 1',
    'eplacement_requests_total{method="GET",route="/resource_providers/:uuid",status="403"} 1',
    'eplacement_requests_total{method="GET",route="none",status="404"} 1',
    'eplacement_request_duration_seconds_count{method="GET",route="/resource_providers/:uuid"} 2',
    'eplacement_transactions_total 1',
    'eplacement_conflicts_total 0',
    'eplacement_loads_total 1',
  ])
    expect(text).toContain(`${line}\n`);
  expect(text).toMatch(/^eplacement_watch_lag_seconds_count [1-9]/m);
  const requests = (await readLog(server.logPath)).filter(({ msg }) => msg === 'request');
  expect(requests).toHaveLength(4);
  expect(requests[1]).toMatchObject({
    requestId: expect.stringMatching(/^req-/),
    method: 'GET',
    url: provider,
    route: '/resource_providers/:uuid',
    version: '1.39',
    user: 'someone',
    project: 'project1',
    status: 403,
    durationMs: expect.any(Number),
  });
});

test('a body that is too large is told so, a request that does not arrive in time is ended, and its caller may leave', async () => {
  await using server = await start({ config: { limits: { body: 2000, request: 1 } } });
  const body = { name: 'x'.repeat(3000) };
  expect((await ask(server, '/resource_providers', { method: 'POST', body })).status).toBe(413);

  const slow = await sendHalf(server.port);
  await once(slow.socket, 'close');
  expect(slow.reply()).toMatch(/^HTTP\/1\.1 408 Request Timeout/);

  const { socket } = await sendHalf(server.port);
  socket.destroy();
  expect(await waitForLine(server.logPath, 'the caller went away before the answer')).toMatchObject({ method: 'POST' });
});

const UUID = '5f1f3a4b-8a3c-4dbb-9e3a-5b1f6e0b7a11';
