/** Serial consoles by websocket: two eapi on one etcd, and a host whose guests this process plays. */
import { appendFile } from 'node:fs/promises';
import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { text as readText } from 'node:stream/consumers';
import { ticketSchema } from '@etcd-compute/api/compute/servers/consoles/ticket';
import { createTokenStore } from '@etcd-compute/api/identity/tokens/token-store';
import { waitFor } from '@etcd-compute/testing/wait-for';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { addUser, openCloud, type Answer, type Cloud } from '../../../packages/api/test/a-cloud.js';
import { aServer } from '../../../packages/api/test/compute/servers/builders.js';
import { openConsole, refusalOf, type ConsoleClient } from '../fixtures/console-client.js';
import { startCloud, type TestCloud } from '../fixtures/eschedule-fixture.js';
import { playConsoles, type Guest, type PlayedConsoles } from '../fixtures/played-consoles.js';

let world: TestCloud;
let played: PlayedConsoles;
let one: Cloud;
let two: Cloud;
let admin: string;
let member: string;
let memberId: string;
let reader: string;
let other: string;
let project: string;

const openAt = async (): Promise<Cloud> => {
  const cloud = await openCloud(world.etcd, '', { config: { consoles: { connections: 3 } } });
  await cloud.app.listen({ host: '127.0.0.1', port: 0 });
  return cloud;
};

beforeAll(async () => {
  world = await startCloud();
  played = await playConsoles(world);
  one = await openAt();
  two = await openAt();
  admin = await one.logIn('admin', 'admin');
  memberId = await addUser(one, { admin, name: 'ann', project: 'ours', role: 'member' });
  await addUser(one, { admin, name: 'ron', project: 'ours', role: 'reader' });
  await addUser(one, { admin, name: 'olga', project: 'theirs', role: 'member' });
  [member, reader, other] = [
    await one.logIn('ann', 'ours'),
    await one.logIn('ron', 'ours'),
    await one.logIn('olga', 'theirs'),
  ];
  project = (await one.ask('GET /v3/projects?name=ours', { token: admin })).body.projects[0].id;
});
afterAll(async () => {
  await one[Symbol.asyncDispose]();
  await two[Symbol.asyncDispose]();
  await played.stopEndpoint();
  await world.stop();
});

/** A server that runs. */
const addServer = async (changes: object = {}): Promise<Guest> => {
  const guest = await played.addGuest(project);
  const id = guest.instance;
  const server = aServer({ id, project, user: memberId, ...changes });
  await world.put(`/compute/servers/${project}/${id}`, JSON.stringify(server));
  await world.put('/compute/servers/changes', id);
  const isThere = async (): Promise<boolean> =>
    (await askAt(one, `GET /servers/${id}`)).body.server?.status === 'ACTIVE' &&
    (await askAt(two, `GET /servers/${id}`)).body.server?.status === 'ACTIVE';
  await waitFor(isThere, { what: 'the server' });
  return guest;
};

const askAt = async (
  cloud: Cloud,
  request: string,
  { token = member, ...asked }: { token?: string; body?: object; version?: string } = {},
): Promise<Answer> => cloud.askAt('/compute/v2.1')(request, { token, ...asked });

const SERIAL = { remote_console: { protocol: 'serial', type: 'serial' } };
const askForConsole = async ({ instance }: Guest, asked: { token?: string; body?: object; version?: string } = {}) =>
  askAt(one, `POST /servers/${instance}/remote-consoles`, { version: '2.6', body: SERIAL, ...asked });

/** @param cloud where to connect to, whatever the URL says: tests have no balancer. */
const urlOf = async (guest: Guest, cloud = one): Promise<string> => {
  const { status, body } = await askForConsole(guest);
  expect(status).toBe(200);
  return at(cloud, body.remote_console.url);
};

const at = (cloud: Cloud, url: string): string => {
  const address = cloud.app.server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  return url.replace(
    /^ws:\/\/127\.0\.0\.1:5000\/compute\/serial-console\?token=/,
    `ws://127.0.0.1:${port}/compute/serial-console?token=`,
  );
};

const consolesOf = async ({ consoles }: Guest, count: number): Promise<void> => {
  await waitFor(() => consoles.length === count, { what: `console ${count}` });
};

test('a websocket types at the console and shows what the guest says, from its last lines on; any eapi serves it', async () => {
  const guest = await addServer();
  const { status, body } = await askForConsole(guest);
  expect({ status, body }).toEqual({
    status: 200,
    body: {
      remote_console: {
        ...SERIAL.remote_console,
        url: expect.stringMatching(/^ws:\/\/127\.0\.0\.1:5000\/compute\/serial-console\?token=[\w-]{43}$/),
      },
    },
  });
  const { url } = body.remote_console;
  for (const [index, cloud] of [one, two].entries()) {
    await using client = await openConsole(at(cloud, url));
    expect(client.socket.protocol).toBe('binary');
    await client.waitForText('login: ');
    client.socket.send('ro');
    client.socket.send(Buffer.from(`ot${index}\r`));
    await client.waitForText(`ROOT${index}\r`);
    expect(client.isBinary()).toBe(true);
  }
  expect(guest.typed).toBe('root0\rroot1\r');
});

test('until 2.5 it is an action; a lock does not matter; text is sent to who asks for it', async () => {
  const guest = await addServer({ locked: { reason: null } });
  const action = { 'os-getSerialConsole': { type: 'serial' } };
  const { status, body } = await askAt(one, `POST /servers/${guest.instance}/action`, { body: action });
  expect({ status, type: body.console.type }).toEqual({ status: 200, type: 'serial' });
  await using client = await openConsole(at(one, body.console.url), { protocols: ['base64', 'text'] });
  expect(client.socket.protocol).toBe('text');
  await client.waitForText('login: ');
  // A character may come in two pieces, and a guest may say what is none.
  const euro = Buffer.from('€');
  await appendFile(guest.logPath, euro.subarray(0, 1));
  await appendFile(guest.logPath, Buffer.concat([euro.subarray(1), Buffer.from([0xff]), Buffer.from('end')]));
  await client.waitForText('end');
  expect(client.isBinary()).toBe(false);
  expect(client.said()).toBe('one\r\ntwo\r\nlogin: €\uFFFDend');
  expect((await askAt(one, `POST /servers/${guest.instance}/action`, { body: action, version: '2.6' })).status).toBe(
    400,
  );
});

test('what it is not for is refused', async () => {
  const guest = await addServer();
  const say = async (asked: Parameters<typeof askForConsole>[1]): Promise<string> => {
    const { status, body } = await askForConsole(guest, asked);
    return `${status} ${JSON.stringify(body)}`;
  };
  expect(await say({ version: '2.5' })).toMatch(/^404/);
  expect(await say({ body: { remote_console: { protocol: 'vnc', type: 'novnc' } } })).toMatch(
    /^400 .*Unavailable console type novnc/,
  );
  expect(await say({ body: { remote_console: { protocol: 'serial', type: 'novnc' } } })).toMatch(/^400/);
  expect(await say({ body: { remote_console: { protocol: 'mks', type: 'webmks' } } })).toMatch(/^400 .*Invalid option/);
  expect(await say({ version: '2.8', body: { remote_console: { protocol: 'mks', type: 'webmks' } } })).toMatch(
    /^400 .*Unavailable/,
  );
  expect(await say({ token: reader })).toMatch(/^403/);
  expect(await say({ token: other })).toMatch(/^404/);
  await world.report(guest.instance, 'stopped');
  await waitFor(async () => (await say({})).startsWith('409'), { what: 'a refusal' });
  expect(await say({})).toMatch(/is not ready/);
});

test('a token that is unknown, has ended, or of somebody who may no more, lets nobody in', async () => {
  const guest = await addServer();
  const url = await urlOf(guest);
  const withToken = (token: string): string => url.replace(/token=.*/, `token=${token}`);
  expect(await refusalOf(withToken('x'.repeat(43)))).toMatchObject({
    status: 401,
    body: expect.stringContaining('has ended'),
  });
  expect((await refusalOf(withToken(''))).status).toBe(401);
  expect((await refusalOf(withToken(member))).status).toBe(401);
  const tokens = createTokenStore({
    etcd: world.store,
    keyOf: (hash) => `/compute/consoles/${hash}`,
    schema: ticketSchema,
    now: Date.now,
  });
  const ticket = { version: 1, server: guest.instance, user: memberId, project } as const;
  const ended = await tokens.issue({ ...ticket, expires_at: Date.now() - 1 });
  const good = await tokens.issue({ ...ticket, expires_at: Date.now() + 60_000 });
  expect((await refusalOf(withToken(ended))).status).toBe(401);
  await using client = await openConsole(withToken(good));
  await client.waitForText('login: ');
  // All that etcd has is a hash, under a lease.
  const { entries } = await world.store.list('/compute/consoles/');
  expect(entries.length).toBeGreaterThan(2);
  expect(JSON.stringify(entries)).not.toContain(good);
  for (const { lease } of entries) expect(lease).not.toBe('0');

  const path = `/v3/users/${memberId}`;
  await one.ask(`PATCH ${path}`, { token: admin, body: { user: { enabled: false } } });
  expect((await refusalOf(at(two, url))).status).toBe(401);
  await one.ask(`PATCH ${path}`, { token: admin, body: { user: { enabled: true } } });
  member = await one.logIn('ann', 'ours');
  await using again = await openConsole(at(two, url));
  await again.waitForText('login: ');

  const key = `/compute/servers/${project}/${guest.instance}`;
  const server = JSON.parse((await world.store.get(key))?.value ?? '');
  await world.put(key, JSON.stringify({ ...server, deleting_at: new Date().toISOString() }));
  await world.put('/compute/servers/changes', 'x');
  expect((await refusalOf(url)).status).toBe(401);
});

test('who connects takes the console over, and the one before is told', async () => {
  const guest = await addServer();
  const url = await urlOf(guest);
  await using first = await openConsole(url);
  await first.waitForText('login: ');
  await consolesOf(guest, 1);
  await using second = await openConsole(at(two, (await askForConsole(guest)).body.remote_console.url));
  expect(await first.closed).toEqual({ code: 1000, reason: 'The console was opened elsewhere.' });
  await consolesOf(guest, 2);
  second.socket.send('hello');
  await second.waitForText('HELLO');
  expect(guest.typed).toBe('hello');
});

test('the end is told: of the guest, of the agent; what was typed last is typed', async () => {
  const guest = await addServer();
  const url = await urlOf(guest);
  await using stopped = await openConsole(url);
  await consolesOf(guest, 1);
  await appendFile(guest.logPath, 'Power down.\r\n');
  guest.consoles[0]?.push(null);
  expect(await stopped.closed).toMatchObject({ code: 1000, reason: expect.stringContaining('the server has stopped') });
  expect(stopped.said()).toContain('Power down.');

  await using left = await openConsole(url);
  left.socket.send('bye');
  left.socket.close();
  await waitFor(() => guest.typed === 'bye', { what: 'what was typed' });
  await waitFor(() => guest.consoles.at(-1)?.destroyed, { what: 'the console to be given back' });

  const count = guest.consoles.length;
  await using orphan = await openConsole(url);
  await consolesOf(guest, count + 1);
  await played.stopEndpoint();
  expect(await orphan.closed).toMatchObject({ code: 1013 });
  await using early = await openConsole(url);
  expect(await early.closed).toMatchObject({ code: 1013 });
  await played.startEndpoint();
});

test('no more are open than the config says, and a place that is free is free', async () => {
  const urls: string[] = [];
  for (let index = 0; index < 4; index += 1) urls.push(await urlOf(await addServer()));
  const clients: ConsoleClient[] = [];
  for (const url of urls.slice(0, 3)) clients.push(await openConsole(url));
  const last = urls[3] ?? '';
  expect(await refusalOf(last)).toMatchObject({ status: 503, body: expect.stringContaining('Too many') });
  clients[0]?.socket.close();
  await waitFor(
    async () =>
      openConsole(last).then(
        (client) => clients.push(client),
        () => false,
      ),
    { what: 'a place' },
  );
  for (const client of clients) await client[Symbol.asyncDispose]();
});

test('without an upgrade it says what is there; other requests are served whatever upgrade they ask for', async () => {
  const { hostname, port } = new URL(at(one, 'ws://127.0.0.1:5000/compute/serial-console?token='));
  const ask = async (path: string, headers: object, body?: string) => {
    const sent = httpRequest({
      hostname,
      port,
      path,
      method: body === undefined ? 'GET' : 'POST',
      headers: { ...headers, ...(body !== undefined && { 'content-length': Buffer.byteLength(body) }) },
    });
    sent.end(body);
    const [response] = await once(sent, 'response');
    return { status: response.statusCode, body: JSON.parse(await readText(response)) };
  };
  expect(await ask('/compute/serial-console?token=x', {})).toMatchObject({ status: 426 });
  // As Java's client asks for HTTP/2.
  const upgrade = { connection: 'Upgrade, HTTP2-Settings', upgrade: 'h2c', 'http2-settings': 'AAEAAEAAAAIAAAAA' };
  const login = {
    auth: {
      identity: {
        methods: ['password'],
        password: { user: { name: 'ann', domain: { id: 'default' }, password: 'secret' } },
      },
    },
  };
  expect(await ask('/identity/v3/auth/tokens', upgrade, JSON.stringify(login))).toMatchObject({
    status: 201,
    body: { token: { user: { name: 'ann' } } },
  });
  const websocket = { connection: 'upgrade', upgrade: 'websocket' };
  expect(await ask('/identity/v3', websocket)).toMatchObject({ status: 200 });
  // Not a whole handshake.
  const guest = await addServer();
  const { search } = new URL(await urlOf(guest));
  const sent = httpRequest({ hostname, port, path: `/compute/serial-console${search}`, headers: websocket });
  sent.end();
  const [response] = await once(sent, 'response');
  expect(response.statusCode).toBe(400);
  response.resume();
});

test('an eapi that stops says so, and waits for nobody who does not answer', async () => {
  const three = await openAt();
  const url = at(three, (await askForConsole(await addServer())).body.remote_console.url);
  const frozen = await openConsole(at(three, (await askForConsole(await addServer())).body.remote_console.url));
  await using client = await openConsole(url);
  await client.waitForText('login: ');
  await frozen.waitForText('login: ');
  frozen.socket.pause();
  const begin = performance.now();
  await three[Symbol.asyncDispose]();
  expect(performance.now() - begin).toBeLessThan(15_000);
  expect(await client.closed).toMatchObject({ code: 1001, reason: expect.stringContaining('stopping') });
  frozen.socket.terminate();
});
