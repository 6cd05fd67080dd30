import { randomUUID } from 'node:crypto';
import type { Ecompute } from '@etcd-compute/testing/ecompute';
import { waitFor } from '@etcd-compute/testing/wait-for';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { addUser, openCloud, type Answer, type Cloud } from '../../../packages/api/test/a-cloud.js';
import { startWorld, type World } from '../fixtures/agent-world.js';

/** Servers by `/compute/v2.1/servers`: two eapi, without ports, and agents on libvirt's test driver. */
let world: World;
let agents: Ecompute[];
let one: Cloud;
let two: Cloud;
let token = '';
let project = '';

const IMAGE = randomUUID();
const OTHER = randomUUID();

beforeAll(async () => {
  world = await startWorld();
  agents = await Promise.all([world.startAgent({ placement: 'etcd' }), world.startAgent({ placement: 'etcd' })]);
  const imageOf = async (id: string) => ({
    image: id === OTHER ? world.otherImageUrl : world.imageUrl,
    minDiskGiB: 0,
    minRamMiB: 0,
    virtualSizeBytes: 4096,
  });
  one = await openCloud(world.etcd, '', { imageOf });
  two = await openCloud(world.etcd, '', { imageOf });
  token = await one.logIn('admin', 'admin');
  project = (await one.ask('GET /v3/projects?name=admin', { token })).body.projects[0].id;
  for (const [id, vcpus] of [
    ['small', 1],
    ['large', 2],
  ])
    await ask(one, 'POST /flavors', { flavor: { id, name: id, ram: 64 * Number(vcpus), vcpus, disk: 1 } });
  await setQuota({ instances: -1, cores: -1, ram: -1 });
});
afterAll(async () => {
  await one[Symbol.asyncDispose]();
  await two[Symbol.asyncDispose]();
  for (const agent of agents) await agent.stop();
  await world[Symbol.asyncDispose]();
});

const ask = async (cloud: Cloud, request: string, body?: unknown): Promise<Answer> =>
  cloud.askAt('/compute/v2.1')(request, { token, ...(body !== undefined && { body }) });

const setQuota = async (quota_set: Readonly<Record<string, number>>): Promise<void> => {
  const { status } = await ask(one, `PUT /os-quota-sets/${project}`, { quota_set });
  expect(status).toBe(200);
};

const create = async (cloud: Cloud, server: object = {}, more: object = {}): Promise<Answer> =>
  ask(cloud, 'POST /servers', { server: { name: 'web', imageRef: IMAGE, flavorRef: 'small', ...server }, ...more });

const show = async (cloud: Cloud, id: string) => (await ask(cloud, `GET /servers/${id}`)).body.server;

const waitForStatus = async (id: string, status: string) => {
  let last: unknown;
  return waitFor(
    async () => {
      const server = await show(one, id);
      last = server;
      return server?.status === status && server['OS-EXT-STS:task_state'] === null ? server : undefined;
    },
    {
      what: `server ${id} to be ${status}`,
      onTimeout: async () => `${JSON.stringify(last, undefined, 2)}\n${await world.tailLogs()}`,
    },
  );
};

const createActive = async (server: object = {}) => {
  const answer = await create(one, server);
  expect(answer).toMatchObject({ status: 202 });
  return waitForStatus(answer.body.server.id, 'ACTIVE');
};

const remove = async (id: string): Promise<void> => {
  expect(await ask(one, `DELETE /servers/${id}`)).toMatchObject({ status: 204 });
  await waitFor(async () => (await ask(one, `GET /servers/${id}`)).status === 404, { what: `server ${id} to go` });
};

const act = async (id: string, action: object): Promise<Answer> => ask(one, `POST /servers/${id}/action`, action);

const usage = async (): Promise<string | undefined> => (await world.store.get(`/compute/usage/${project}`))?.value;

test('a server is created, seen by another eapi at once, and deleted, with what it counts', async () => {
  const answer = await create(one, { metadata: { role: 'web' }, adminPass: 'geheim' });
  expect(answer).toMatchObject({ status: 202, body: { server: { adminPass: 'geheim', 'OS-DCF:diskConfig': 'AUTO' } } });
  const { id } = answer.body.server;
  expect(answer.header('location')).toBe(`${one.compute.url}/servers/${id}`);
  expect(await show(two, id)).toMatchObject({ name: 'web', metadata: { role: 'web' }, tenant_id: project });
  expect((await ask(two, 'GET /servers')).body.servers.map((server: { id: string }) => server.id)).toContain(id);
  const server = await waitForStatus(id, 'ACTIVE');
  expect(server).toMatchObject({
    image: { id: IMAGE },
    flavor: { id: 'small' },
    'OS-EXT-STS:power_state': 1,
    'OS-EXT-AZ:availability_zone': 'nova',
    progress: 100,
  });
  expect(JSON.parse((await usage()) ?? '')).toMatchObject({ instances: 1, cores: 1, ram: 64 });
  await remove(id);
  expect(JSON.parse((await usage()) ?? '')).toMatchObject({ instances: 0, cores: 0, ram: 0 });
  expect((await ask(two, 'GET /servers')).body.servers).toEqual([]);
  expect((await ask(one, 'GET /servers/detail?deleted=True')).body.servers).toMatchObject([{ id, status: 'DELETED' }]);
});

test('no host: it is in error, says so, and goes when it is deleted', async () => {
  await ask(one, 'POST /flavors', { flavor: { id: 'huge', name: 'huge', ram: 2 ** 30, vcpus: 1, disk: 1 } });
  const { status, body } = await create(one, { flavorRef: 'huge' });
  expect(status).toBe(202);
  const server = await show(two, body.server.id);
  expect(server).toMatchObject({
    status: 'ERROR',
    fault: { code: 500, message: expect.stringContaining('No valid host') },
  });
  await remove(body.server.id);
});

test('who is in another project does not find it', async () => {
  const { id } = (await create(one)).body.server;
  await addUser(one, { admin: token, name: 'other', project: 'theirs', role: 'member' });
  const other = await one.logIn('other', 'theirs');
  const askOther = async (request: string, body?: object) =>
    one.askAt('/compute/v2.1')(request, { token: other, ...(body && { body }) });
  expect((await askOther('GET /servers')).body).toEqual({ servers: [] });
  expect((await askOther('GET /servers?all_tenants=1')).status).toBe(403);
  expect(await askOther(`GET /servers/${id}`)).toMatchObject({
    status: 404,
    body: { itemNotFound: { message: `Instance ${id} could not be found.` } },
  });
  for (const request of [`DELETE /servers/${id}`, `GET /servers/${id}/metadata`, `GET /servers/${id}/os-interface`])
    expect((await askOther(request)).status).toBe(404);
  expect((await askOther(`POST /servers/${id}/action`, { 'os-stop': null })).status).toBe(404);
  await remove(id);
});

test('of an anti-affinity group, no two are on one host, also when they are created at once', async () => {
  const body = { server_group: { name: 'apart', policies: ['anti-affinity'] } };
  const { id: group } = (await ask(one, 'POST /os-server-groups', body)).body.server_group;
  const hints = { 'os:scheduler_hints': { group } };
  const answers = await Promise.all(
    Array.from({ length: 6 }, async (_, index) => create(index % 2 === 0 ? one : two, { name: 'apart' }, hints)),
  );
  const ids: string[] = answers.map(({ body: { server } }) => server.id);
  const shown = await Promise.all(ids.map(async (id) => show(two, id)));
  const placed = shown.filter(({ status }) => status !== 'ERROR');
  expect(placed).toHaveLength(agents.length);
  expect(new Set(placed.map((server) => server['OS-EXT-SRV-ATTR:host'])).size).toBe(agents.length);
  expect((await ask(two, `GET /os-server-groups/${group}`)).body.server_group.members.toSorted()).toEqual(
    ids.toSorted(),
  );
  for (const id of ids) await remove(id);
  expect(await world.store.get(`/compute/members/${group}`)).toBeUndefined();
});

test('a shelved server of a group is on no host, and comes back to one that suits the group', async () => {
  const body = { server_group: { name: 'aside', policies: ['anti-affinity'] } };
  const { id: group } = (await ask(one, 'POST /os-server-groups', body)).body.server_group;
  const createIn = async (name: string) =>
    (await create(one, { name }, { 'os:scheduler_hints': { group } })).body.server.id;
  const aside: string = await createIn('aside');
  const stays: string = await createIn('stays');
  for (const id of [aside, stays]) await waitForStatus(id, 'ACTIVE');
  expect(await act(aside, { shelve: null })).toMatchObject({ status: 202 });
  await waitForStatus(aside, 'SHELVED_OFFLOADED');
  const instead: string = await createIn('instead');
  await waitForStatus(instead, 'ACTIVE');
  expect(await act(aside, { unshelve: null })).toMatchObject({
    status: 409,
    body: { conflictingRequest: { message: expect.stringContaining('anti-affinity group') } },
  });
  expect(await show(two, aside)).toMatchObject({ status: 'SHELVED_OFFLOADED' });
  await remove(instead);
  expect(await act(aside, { unshelve: null })).toMatchObject({ status: 202 });
  await waitForStatus(aside, 'ACTIVE');
  const copiesOf = async () =>
    JSON.parse((await world.store.get(`/compute/servers/${project}/${aside}`))?.value ?? '').copies;
  await waitFor(async () => (await copiesOf()) === undefined, { what: 'the copies to go' });
  expect((await world.store.list('/images/')).entries.filter(({ key }) => key.includes(`shelved-${aside}`))).toEqual(
    [],
  );
  const hosts = await Promise.all([aside, stays].map(async (id) => (await show(two, id))['OS-EXT-SRV-ATTR:host']));
  expect(new Set(hosts).size).toBe(2);
  for (const id of [aside, stays]) await remove(id);
});

test('a shelved server comes back in its zone, also where others have more room', async () => {
  const [{ hypervisor_hostname: host }] = (await ask(one, 'GET /os-hypervisors')).body.hypervisors;
  const east = { name: 'east', availability_zone: 'east' };
  const { id: aggregate } = (await ask(one, 'POST /os-aggregates', { aggregate: east })).body.aggregate;
  const changeHosts = async (action: 'add_host' | 'remove_host') =>
    ask(one, `POST /os-aggregates/${aggregate}/action`, { [action]: { host } });
  expect(await changeHosts('add_host')).toMatchObject({ status: 200 });
  const { id, 'OS-EXT-SRV-ATTR:host': before } = await createActive({ availability_zone: 'east' });
  expect(before).toBe(host);
  await act(id, { shelve: null });
  await waitForStatus(id, 'SHELVED_OFFLOADED');
  const filler = await createActive({ availability_zone: 'east', flavorRef: 'large' });
  expect(await act(id, { unshelve: null })).toMatchObject({ status: 202 });
  expect(await waitForStatus(id, 'ACTIVE')).toMatchObject({ 'OS-EXT-SRV-ATTR:host': host });
  for (const server of [id, filler.id]) await remove(server);
  expect(await changeHosts('remove_host')).toMatchObject({ status: 200 });
  expect(await ask(one, `DELETE /os-aggregates/${aggregate}`)).toMatchObject({ status: 200 });
});

test('that a shelved server comes back is under way from the transaction on that gives it a host, never before', async () => {
  const { id } = await createActive();
  await act(id, { shelve: null });
  await waitForStatus(id, 'SHELVED_OFFLOADED');
  const key = `/compute/servers/${project}/${id}`;
  const { revision } = await world.store.getMany([key]);
  const written = new Map<string, string[]>();
  const stop = world.store.watch({ prefix: '/' }, revision, {
    onEvents: (events) => {
      for (const event of events)
        written.set(event.modRevision, [
          ...(written.get(event.modRevision) ?? []),
          ...(event.key === key && event.value?.includes('"unshelve"') === true ? ['server'] : []),
          ...(world.keys.parseRequest(event.key)?.instance === id && event.value !== undefined ? ['request'] : []),
        ]);
    },
    onEnd: () => undefined,
  });
  expect(await act(id, { unshelve: null })).toMatchObject({ status: 202 });
  const first = await waitFor(async () => [...written.values()].find((what) => what.includes('server')), {
    what: 'the action to be written',
  });
  stop();
  expect(first.toSorted()).toEqual(['request', 'server']);
  await waitForStatus(id, 'ACTIVE');
  await remove(id);
});

describe('what is asked of a server', () => {
  let id = '';
  beforeAll(async () => {
    id = (await createActive()).id;
  });
  afterAll(async () => remove(id));

  test.each([
    [{ 'os-stop': null }, 'SHUTOFF'],
    [{ 'os-start': null }, 'ACTIVE'],
    [{ pause: null }, 'PAUSED'],
    [{ unpause: null }, 'ACTIVE'],
    [{ pause: null }, 'PAUSED'],
    [{ shelve: null }, 'SHELVED_OFFLOADED'],
    [{ unshelve: null }, 'ACTIVE'],
    [{ suspend: null }, 'SUSPENDED'],
    [{ resume: null }, 'ACTIVE'],
    [{ reboot: { type: 'HARD' } }, 'ACTIVE'],
    [{ reboot: { type: 'SOFT' } }, 'ACTIVE'],
    [{ resize: { flavorRef: 'large' } }, 'VERIFY_RESIZE'],
    [{ revertResize: null }, 'ACTIVE'],
    [{ resize: { flavorRef: 'large' } }, 'VERIFY_RESIZE'],
  ])('%o: %s', async (action, status) => {
    expect(await act(id, action)).toMatchObject({ status: 202 });
    await waitForStatus(id, status);
  });

  test('a resize is confirmed; meanwhile both flavors count', async () => {
    expect(JSON.parse((await usage()) ?? '')).toMatchObject({ cores: 2, ram: 128 });
    expect(await act(id, { confirmResize: null })).toMatchObject({ status: 204 });
    expect(await show(two, id)).toMatchObject({ status: 'ACTIVE', flavor: { id: 'large' } });
  });

  test('rebuild: another image, name and metadata', async () => {
    const rebuild = { imageRef: OTHER, name: 'rebuilt', metadata: { a: 'b' }, adminPass: 'neu' };
    const answer = await act(id, { rebuild });
    expect(answer).toMatchObject({
      status: 202,
      body: { server: { adminPass: 'neu', name: 'rebuilt', status: 'REBUILD' } },
    });
    expect(await waitForStatus(id, 'ACTIVE')).toMatchObject({ image: { id: OTHER }, metadata: { a: 'b' } });
  });

  test('wrong states are refused in Nova’s words, and locked servers, but for admins', async () => {
    expect(await act(id, { 'os-start': null })).toMatchObject({
      status: 409,
      body: { conflictingRequest: { message: `Cannot 'start' instance ${id} while it is in vm_state active` } },
    });
    expect(await act(id, { fly: null })).toMatchObject({ status: 400 });
    expect(await act(id, { migrate: null })).toMatchObject({ status: 501 });
    expect(await act(id, { lock: null })).toMatchObject({ status: 202 });
    expect((await ask(one, `GET /servers/${id}`)).body.server.status).toBe('ACTIVE');
    expect(await act(id, { unlock: null })).toMatchObject({ status: 202 });
  });

  test('its actions tell who asked for what, and how it ended', async () => {
    const { instanceActions } = (await ask(two, `GET /servers/${id}/os-instance-actions`)).body;
    expect(
      instanceActions
        .map(({ action }: { action: string }) => action)
        .toReversed()
        .slice(0, 4),
    ).toEqual(['create', 'stop', 'start', 'pause']);
    const [{ request_id }] = instanceActions;
    const { instanceAction } = (await ask(two, `GET /servers/${id}/os-instance-actions/${request_id}`)).body;
    expect(instanceAction).toMatchObject({ action: 'unlock', events: [{ result: 'Success' }] });
  });

  test('metadata', async () => {
    const path = `/servers/${id}/metadata`;
    expect((await ask(one, `PUT ${path}`, { metadata: { a: '1', b: '2' } })).body).toEqual({
      metadata: { a: '1', b: '2' },
    });
    expect((await ask(one, `POST ${path}`, { metadata: { b: '3' } })).body).toEqual({ metadata: { a: '1', b: '3' } });
    expect((await ask(one, `PUT ${path}/c`, { meta: { c: '4' } })).body).toEqual({ meta: { c: '4' } });
    expect(await ask(one, `DELETE ${path}/a`)).toMatchObject({ status: 204 });
    expect((await ask(two, `GET ${path}`)).body).toEqual({ metadata: { b: '3', c: '4' } });
    expect(await ask(one, `GET ${path}/a`)).toMatchObject({ status: 404 });
  });
});

test('100 at once do not pass a quota, by two eapi', async () => {
  const before = JSON.parse((await usage()) ?? '{}').instances;
  await setQuota({ instances: before + 10, cores: -1, ram: -1 });
  const answers = await Promise.all(
    Array.from({ length: 100 }, async (_, index) => create(index % 2 === 0 ? one : two, { name: `many-${index}` })),
  );
  expect(answers.filter(({ status }) => status === 202)).toHaveLength(10);
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202, 403]));
  expect(JSON.parse((await usage()) ?? '').instances).toBe(before + 10);
  const { servers } = (await ask(one, 'GET /servers?name=^many-&limit=4')).body;
  expect(servers).toHaveLength(4);
  const all = (await ask(two, 'GET /servers?name=^many-')).body.servers;
  expect(all).toHaveLength(10);
  for (const { id } of all) await ask(one, `DELETE /servers/${id}`);
  await waitFor(async () => JSON.parse((await usage()) ?? '').instances === before, { what: 'the servers to go' });
});
