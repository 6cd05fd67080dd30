/** The server over a unix socket: what it answers to whom, and what it does not take. */
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { GuestConfig } from '@etcd-compute/agent/guest-config/guest-config';
import { createMetadataServer } from '@etcd-compute/agent/metadata/server';
import type { InstanceUuid } from '@etcd-compute/common/ids';
import { silentLogger } from '@etcd-compute/common/log';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { INSTANCE } from '../instances/builders.js';

const GUEST: GuestConfig = {
  instance: INSTANCE,
  hostname: 'web1',
  sshKeys: [],
  userData: Buffer.from('secret'),
  meta: {},
  nics: [],
  instanceType: 'custom-1-64',
};
const TTL = 'x-aws-ec2-metadata-token-ttl-seconds';
const TOKEN = 'x-aws-ec2-metadata-token';

interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

let folder = '';
let path = '';
let server: ReturnType<typeof createMetadataServer>;
let who: () => Promise<InstanceUuid | undefined>;
let now = 0;

const start = async (tokenRules = { ec2: true, openstack: false }): Promise<void> => {
  server = createMetadataServer({
    findGuest: async () => who(),
    readGuest: async () => GUEST,
    tokenRules,
    now: () => now,
    log: silentLogger(),
  });
  server.listen(path);
  await once(server, 'listening');
};

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'metadata-'));
  path = join(folder, 'socket');
  who = async () => INSTANCE;
  now = 1_800_000_000_000;
});
afterEach(async () => {
  server.closeAllConnections();
  server.close();
  await rm(folder, { recursive: true });
});

const call = async (
  method: string,
  url: string,
  { headers = {}, body }: { headers?: Record<string, string>; body?: string } = {},
): Promise<Reply> => {
  const request = httpRequest({ socketPath: path, method, path: url, headers });
  request.end(body);
  const [response] = await once(request, 'response');
  return { status: response.statusCode, headers: response.headers, body: await text(response) };
};

const getToken = async (): Promise<string> =>
  (await call('PUT', '/latest/api/token', { headers: { [TTL]: '60' } })).body;

describe('the metadata server', () => {
  test('tells EC2’s paths to who has a token, and OpenStack’s to every guest', async () => {
    await start();
    expect(await call('GET', '/latest/user-data')).toMatchObject({ status: 401 });
    const headers = { [TOKEN]: await getToken() };
    expect(await call('GET', '/latest/user-data', { headers })).toMatchObject({ status: 200, body: 'secret' });
    expect(await call('HEAD', '/latest/user-data', { headers })).toMatchObject({ status: 200, body: '' });
    expect(await call('GET', '/openstack/latest/user_data')).toMatchObject({ status: 200, body: 'secret' });
    // One that is shown must be good everywhere.
    expect(await call('GET', '/openstack/latest/user_data', { headers: { [TOKEN]: 'x' } })).toMatchObject({
      status: 401,
    });
    now += 60_000;
    expect(await call('GET', '/latest/user-data', { headers })).toMatchObject({ status: 401 });
  });

  test.each([
    [{ ec2: true, openstack: true }, 401, 401],
    [{ ec2: false, openstack: false }, 200, 200],
  ])('with %j, without a token', async (rules, ec2, openstack) => {
    await start(rules);
    expect(await call('GET', '/latest/user-data')).toMatchObject({ status: ec2 });
    expect(await call('GET', '/openstack/latest/user_data')).toMatchObject({ status: openstack });
  });

  test('gives a token with its time, and none to a proxy, without a time, or by GET', async () => {
    await start();
    const put = async (headers: Record<string, string>): Promise<Reply> =>
      call('PUT', '/latest/api/token', { headers });
    expect(await put({ [TTL]: '60' })).toMatchObject({ status: 200, headers: { [TTL]: '60' } });
    expect(await put({})).toMatchObject({ status: 400 });
    expect(await put({ [TTL]: '21601' })).toMatchObject({ status: 400 });
    expect(await put({ [TTL]: '60', 'x-forwarded-for': '10.45.0.9' })).toMatchObject({ status: 403 });
    expect(await call('GET', '/latest/api/token')).toMatchObject({ status: 405, headers: { allow: 'PUT' } });
  });

  test('tells nothing to who is no guest, or cannot be told from others, whatever the headers say', async () => {
    await start({ ec2: false, openstack: false });
    const headers = { 'x-forwarded-for': '10.45.0.2', 'x-instance-id': INSTANCE, 'x-real-ip': '10.45.0.2' };
    who = async () => undefined;
    expect(await call('GET', '/latest/user-data', { headers })).toMatchObject({ status: 403 });
    who = async () => Promise.reject(new Error('the packet filter is not in place'));
    expect(await call('GET', '/latest/user-data', { headers })).toMatchObject({
      status: 503,
      body: 'not now, ask again\n',
    });
  });

  test('takes no body, no other method, no large header', async () => {
    await start({ ec2: false, openstack: false });
    expect(await call('PUT', '/latest/api/token', { body: 'x' })).toMatchObject({ status: 413 });
    expect(await call('POST', '/latest/user-data')).toMatchObject({ status: 405 });
    expect(await call('GET', '/latest/user-data', { headers: { x: 'x'.repeat(9000) } })).toMatchObject({ status: 431 });
    expect(await call('GET', '/nothing')).toMatchObject({ status: 404 });
  });

  test('a guest that asks too often is told so, and answered again later', async () => {
    await start();
    for (let count = 0; count < 100; count += 1) expect(await call('GET', '/openstack')).toMatchObject({ status: 200 });
    expect(await call('GET', '/openstack')).toMatchObject({ status: 429 });
    now += 100;
    expect(await call('GET', '/openstack')).toMatchObject({ status: 200 });
    expect((await call('GET', '/openstack')).status).toBe(200);
    expect((await call('GET', '/openstack')).status).toBe(429);
  });

  test('a guest has so many connections and no more', async () => {
    await start();
    const sockets = [];
    for (let count = 0; count < 16; count += 1) {
      const socket = connect(path);
      await once(socket, 'connect');
      sockets.push(socket);
    }
    const oneMore = connect(path);
    await once(oneMore, 'close');
    for (const socket of sockets) socket.destroy();
    await vi.waitFor(async () => expect(await call('GET', '/openstack')).toMatchObject({ status: 200 }), {
      timeout: 10_000,
    });
  });
});
