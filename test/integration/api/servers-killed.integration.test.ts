import { join } from 'node:path';
import { eapiProgram, startEapi, type EapiServer } from '@etcd-compute/testing/eapi';
import type { Ecompute } from '@etcd-compute/testing/ecompute';
import { runCommand } from '@etcd-compute/testing/run-command';
import { waitFor } from '@etcd-compute/testing/wait-for';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { rawImage, startWorld, type World } from '../fixtures/agent-world.js';

/** Two eapi processes, one of which is killed while servers are created and deleted. */
let world: World;
let agent: Ecompute;
let one: EapiServer;
let two: EapiServer;
let token = '';
let project = '';
let image = '';

beforeAll(async () => {
  world = await startWorld();
  [agent, one, two] = await Promise.all([
    world.startAgent({ placement: 'etcd' }),
    startEapi({ etcd: world.etcd }),
    startEapi({ etcd: world.etcd }),
  ]);
  const bootstrap = [process.execPath, eapiProgram, 'bootstrap', '--config', two.configPath];
  const { stdout } = await runCommand([...bootstrap, '--clouds', join(two.dir, 'clouds.yaml')]);
  const user = { name: 'admin', domain: { id: 'default' }, password: stdout.trim() };
  const scope = { project: { name: 'admin', domain: { id: 'default' } } };
  const auth = { identity: { methods: ['password'], password: { user } }, scope };
  const response = await fetch(`${two.authUrl}/auth/tokens`, { method: 'POST', body: JSON.stringify({ auth }) });
  token = response.headers.get('x-subject-token') ?? '';
  project = (await readJson(response)).token.project.id;
  const made = await ask(two, 'POST /image/v2/images', { name: 'tiny', disk_format: 'raw', container_format: 'bare' });
  image = made.body.id;
  await fetch(`${two.endpoint}/image/v2/images/${image}/file`, {
    method: 'PUT',
    headers: { 'x-auth-token': token, 'content-type': 'application/octet-stream' },
    body: new Uint8Array(rawImage()),
  });
  const flavor = { id: 'small', name: 'small', ram: 64, vcpus: 1, disk: 1 };
  await ask(two, 'POST /compute/v2.1/flavors', { flavor });
  const unlimited = { instances: -1, cores: -1, ram: -1 };
  await ask(two, `PUT /compute/v2.1/os-quota-sets/${project}`, { quota_set: unlimited });
});
afterAll(async () => {
  await agent.stop();
  await Promise.all([one.stop(), two.stop()]);
  await world[Symbol.asyncDispose]();
});

// eslint-disable-next-line typescript/no-explicit-any -- tests say what they look for
const readJson = async (response: Response): Promise<any> => {
  const text = await response.text();
  return text === '' ? undefined : JSON.parse(text);
};

const ask = async (eapi: EapiServer, request: string, body?: unknown) => {
  const [method = '', path = ''] = request.split(' ');
  const response = await fetch(eapi.endpoint + path, {
    method,
    headers: { 'x-auth-token': token, 'content-type': 'application/json' },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: await readJson(response) };
};

interface Shown {
  readonly id: string;
  readonly status: string;
}

const listServers = async (): Promise<readonly Shown[]> =>
  (await ask(two, 'GET /compute/v2.1/servers/detail')).body.servers;

const countUsed = async (): Promise<unknown> => {
  const { body } = await ask(two, 'GET /compute/v2.1/limits');
  return body.limits.absolute.totalInstancesUsed;
};

test('what was answered is there, what is counted is there, and what was to go goes', async () => {
  const created: string[] = [];
  const deleted = new Set<string>();
  const work = async (): Promise<void> => {
    const server = { name: 'web', imageRef: image, flavorRef: 'small' };
    const { status, body } = await ask(one, 'POST /compute/v2.1/servers', { server });
    if (status !== 202) return;
    created.push(body.server.id);
    if (created.length % 2 === 0) return;
    if ((await ask(one, `DELETE /compute/v2.1/servers/${body.server.id}`)).status === 204) deleted.add(body.server.id);
  };
  const workers = Array.from({ length: 4 }, async () => {
    for (;;) await work();
  });
  const ended = Promise.allSettled(workers);
  await expect.poll(() => created.length).toBeGreaterThan(12);
  await one.kill();
  await ended;

  await waitFor(
    async () => {
      const all = await listServers();
      return all.every(({ id, status }) => status === 'ACTIVE' && !deleted.has(id));
    },
    { what: 'the servers to be as asked', onTimeout: async () => JSON.stringify(await listServers()) },
  );
  const left = await listServers();
  const ids = left.map(({ id }) => id);
  // One that was to be deleted when the server was killed may be there, or gone.
  const kept = created.filter((_, index) => index % 2 === 1);
  expect(kept.filter((id) => !ids.includes(id))).toEqual([]);
  expect(await countUsed()).toBe(left.length);
  for (const { id } of left) await ask(two, `DELETE /compute/v2.1/servers/${id}`);
  await waitFor(async () => (await listServers()).length === 0, { what: 'all servers to go' });
  expect(await countUsed()).toBe(0);
  const { entries } = await world.store.list(world.keys.requests);
  expect(entries).toEqual([]);
});
