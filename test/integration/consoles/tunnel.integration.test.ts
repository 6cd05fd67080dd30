/** Tunnels through the agent's endpoint, to a server in this process in place of a guest's. */
import { once } from 'node:events';
import { join } from 'node:path';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { createEndpointServer, type EndpointServer } from '@etcd-compute/agent/endpoint/server';
import { openSnapshotFiles } from '@etcd-compute/agent/images/snapshots/snapshot-files';
import { endpointSection } from '@etcd-compute/agent/config/endpoint';
import type { ConsoleEndpoint } from '@etcd-compute/common/etcd/messages/console-endpoint';
import { newRecord, withState } from '@etcd-compute/common/etcd/messages/instance-record';
import { newInstanceUuid, newProviderUuid, newSessionUuid } from '@etcd-compute/common/ids';
import { silentLogger } from '@etcd-compute/common/log';
import { connectGuest } from '@etcd-compute/cloud/consoles/connect-endpoint';
import { makeTempDir, type TempDir } from '@etcd-compute/testing/temp-dir';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseJson, startCloud } from '../fixtures/eschedule-fixture.js';

const session = newSessionUuid();
let guest: Server;
let folder: TempDir;
let endpoint: EndpointServer;
/** The agent's connections to the guest, oldest first. */
const toGuest: Socket[] = [];

const startEndpoint = async (idle = 600): Promise<EndpointServer> => {
  const server = createEndpointServer({
    settings: { ...endpointSection.parse({ listen: '127.0.0.1' }), idle },
    session,
    consolesDir: '/nonexistent',
    snapshots: await openSnapshotFiles(join(folder.path, 'snapshots'), silentLogger()),
    imagesDir: folder.path,
    openInput: async () => Promise.reject(new Error('no consoles here')),
    openTunnel: async () => {
      const socket = connect({ ...guestAddress(), allowHalfOpen: true });
      await once(socket, 'connect');
      toGuest.push(socket);
      return socket;
    },
    log: silentLogger(),
  });
  await server.listen();
  return server;
};

beforeAll(async () => {
  folder = await makeTempDir('tunnel');
  guest = createServer({ allowHalfOpen: true }).listen({ port: 0, host: '127.0.0.1' });
  await once(guest, 'listening');
  endpoint = await startEndpoint();
});
afterAll(async () => {
  await endpoint.close();
  guest.close();
  await folder[Symbol.asyncDispose]();
});

const guestAddress = (): { host: string; port: number } => {
  const address = guest.address();
  if (typeof address !== 'object' || address === null) throw new Error('the guest does not listen');
  return { host: '127.0.0.1', port: address.port };
};

const message = (host = newProviderUuid()): ConsoleEndpoint => ({
  version: 1,
  host,
  session,
  addresses: ['127.0.0.1'],
  port: endpoint.port() ?? 0,
  key: endpoint.key,
});
const found = () => ({ ...message(), hostName: 'here' });

interface Tunnel {
  readonly client: Socket;
  /** The guest's end. */
  readonly server: Socket;
  /** The agent's end of the connection to the guest. */
  readonly agent: Socket;
}

const open = async (): Promise<Tunnel> => {
  const accepted = once(guest, 'connection');
  const { signal } = new AbortController();
  const client = await connectGuest(found(), { instance: newInstanceUuid(), port: 22, signal });
  const [server]: Socket[] = await accepted;
  const agent = toGuest.at(-1);
  if (!server || !agent) throw new Error('no connection to the guest');
  return { client, server, agent };
};

/** Everything up to the end of the other side. An iterator would destroy the socket there, before an answer. */
const hear = async (socket: Socket): Promise<string> => {
  let heard = '';
  socket.on('data', (chunk: Buffer) => (heard += chunk.toString()));
  await once(socket, 'end');
  return heard;
};

/** True once all of them are closed. */
const areClosed = async (...sockets: Socket[]): Promise<true> => {
  await Promise.all(
    sockets.map(
      async (socket) => socket.closed || new Promise<void>((resolve) => socket.once('close', () => resolve())),
    ),
  );
  return true;
};

test('the guest can answer after the client has ended, and the tunnel closes when both have ended', async () => {
  const { client, server, agent } = await open();
  const answer = hear(client);
  client.end('a question');
  server.end(`heard ${await hear(server)}`);
  expect(await answer).toBe('heard a question');
  expect(await areClosed(client, server, agent)).toBe(true);
});

test('the client can send after the guest has ended', async () => {
  const { client, server, agent } = await open();
  client.allowHalfOpen = true;
  server.end('hello');
  expect(await hear(client)).toBe('hello');
  client.end('goodbye');
  expect(await hear(server)).toBe('goodbye');
  expect(await areClosed(client, server, agent)).toBe(true);
});

test('a tunnel is closed when its client is gone', async () => {
  const { client, server, agent } = await open();
  client.destroy();
  server.resume().once('end', () => server.end());
  expect(await areClosed(server, agent)).toBe(true);
});

test('a half-open tunnel whose client is gone is closed when the guest sends', async () => {
  const { client, server, agent } = await open();
  client.end('a question');
  await hear(server);
  client.destroy();
  server.on('error', () => undefined);
  const timer = setInterval(() => server.write('an answer'), 50);
  expect(await areClosed(server, agent)).toBe(true);
  clearInterval(timer);
});

test('closing the endpoint closes a tunnel that is half-open', async () => {
  const { client, server, agent } = await open();
  client.end('a question');
  await hear(server);
  await endpoint.close();
  expect(await areClosed(client, agent)).toBe(true);
  server.destroy();
  endpoint = await startEndpoint();
});

test('a half-open tunnel is closed when it is idle', async () => {
  await endpoint.close();
  endpoint = await startEndpoint(1);
  const { client, server, agent } = await open();
  const before = performance.now();
  client.end('a question');
  await hear(server);
  await areClosed(client, agent);
  expect(performance.now() - before).toBeGreaterThan(900);
  server.destroy();
  await endpoint.close();
  endpoint = await startEndpoint();
});

test('`eschedule tunnel` prints what the guest answers after the end of standard input', async () => {
  const cloud = await startCloud();
  try {
    const { keys, store, put } = cloud;
    const [host, instance, now] = [await cloud.addHost({ name: 'here' }), newInstanceUuid(), new Date()];
    const presence = parseJson((await store.get(keys.agent(host)))?.value ?? '');
    await put(keys.agent(host), JSON.stringify(Object.assign({}, presence, { session })));
    await put(keys.console(host), JSON.stringify(message(host)));
    const record = newRecord({ instance, host, name: null, resources: {}, image: null, reason: 'placed', now });
    await put(keys.report(host, instance), JSON.stringify(withState(record, 'active', { reason: 'it runs', now })));

    const accepted = once(guest, 'connection');
    // Standard input is /dev/null.
    const { finished } = cloud.run(['tunnel', instance]);
    const [server]: Socket[] = await accepted;
    if (!server) throw new Error('no connection to the guest');
    server.end(`heard '${await hear(server)}'`);
    expect(await finished).toEqual({ code: 0, stdout: "heard ''", stderr: '' });
  } finally {
    await cloud.stop();
  }
});

test('a connection that never says anything does not hold up the end', async () => {
  const ending = await startEndpoint();
  const silent = connect({ host: '127.0.0.1', port: ending.port() ?? 0 }).resume();
  await once(silent, 'connect');
  const closed = once(silent, 'close');
  await ending.close();
  await closed;
  expect(silent.destroyed).toBe(true);
}, 5000);
