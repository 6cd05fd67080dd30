import { startEtcd, type EtcdServer } from '@etcd-compute/testing/etcd-server';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { addUser, openCloud, type Cloud } from '../a-cloud.js';

/** Two servers on one etcd: what one has made, the other shows. */
let etcd: EtcdServer;
let one: Cloud;
let two: Cloud;
let admin: string;
let member: string;

beforeAll(async () => {
  etcd = await startEtcd();
  one = await openCloud(etcd, '/cloud');
  two = await openCloud(etcd, '/cloud');
  admin = await one.logIn('admin', 'admin');
  await addUser(one, { admin, name: 'member', project: 'ours', role: 'member' });
  member = await one.logIn('member', 'ours');
});
afterAll(async () => {
  await one[Symbol.asyncDispose]();
  await two[Symbol.asyncDispose]();
  await etcd.stop();
});

const change = async (request: string, body?: unknown) =>
  one.askAt('/compute/v2.1')(request, { token: admin, ...(body !== undefined && { body }) });
const look = async (request: string, token = member) => two.askAt('/compute/v2.1')(request, { token });

const make = async (id: string, more: object = {}) =>
  change('POST /flavors', { flavor: { id, name: `m1.${id}`, ram: 512, vcpus: 1, disk: 1, ...more } });

test('a flavor is shown as it was made, at every server', async () => {
  const made = await make('1', { 'OS-FLV-EXT-DATA:ephemeral': '2' });
  expect(made.status).toBe(200);
  expect(made.header('x-openstack-nova-api-version')).toBe('2.1');
  expect(made.header('vary')).toContain('OpenStack-API-Version');
  const flavor = {
    id: '1',
    name: 'm1.1',
    ram: 512,
    vcpus: 1,
    disk: 1,
    swap: '',
    rxtx_factor: 1,
    'OS-FLV-DISABLED:disabled': false,
    'OS-FLV-EXT-DATA:ephemeral': 2,
    'os-flavor-access:is_public': true,
    links: [
      { rel: 'self', href: 'http://127.0.0.1:5000/compute/v2.1/flavors/1' },
      { rel: 'bookmark', href: 'http://127.0.0.1:5000/compute/flavors/1' },
    ],
  };
  expect(made.body).toEqual({ flavor });
  expect((await look('GET /flavors/1')).body).toEqual({ flavor });
  expect((await look('GET /flavors/detail')).body).toEqual({ flavors: [flavor] });
  expect((await change('DELETE /flavors/1')).status).toBe(202);
  expect(await look('GET /flavors/1')).toMatchObject({ status: 404, body: { itemNotFound: { code: 404 } } });
});

test('a name and an id are taken once; what is no flavor is refused by name', async () => {
  await make('1');
  expect((await make('1', { name: 'other' })).status).toBe(409);
  expect((await make('2', { name: 'm1.1' })).status).toBe(409);
  const refused = await make('3', { swap: 512, colour: 'red', ram: 0 });
  expect(refused.status).toBe(400);
  for (const word of ['swap', 'colour', 'ram']) expect(refused.body.badRequest.message).toContain(word);
  await change('DELETE /flavors/1');
});

test('lists are filtered, sorted, and come in pages', async () => {
  for (const [id, ram] of [
    ['1', 512],
    ['2', 2048],
    ['3', 1024],
  ] as const)
    await make(id, { ram });
  const ids = async (query: string) => (await look(`GET /flavors${query}`)).body.flavors?.map(({ id }: any) => id); // eslint-disable-line typescript/no-explicit-any -- an answer
  expect(await ids('')).toEqual(['1', '2', '3']);
  expect(await ids('?minRam=1024')).toEqual(['2', '3']);
  expect(await ids('?sort_key=memory_mb&sort_dir=desc')).toEqual(['2', '3', '1']);
  expect(await ids('?marker=1')).toEqual(['2', '3']);
  const { body } = await look('GET /flavors?limit=2');
  expect(body.flavors_links).toEqual([
    { rel: 'next', href: 'http://127.0.0.1:5000/compute/v2.1/flavors?limit=2&marker=2' },
  ]);
  for (const query of ['limit=-1', 'limit=x', 'marker=none', 'sort_key=x', 'sort_dir=x', 'minRam=x'])
    expect(await look(`GET /flavors?${query}`)).toMatchObject({ status: 400 });
  for (const id of ['1', '2', '3']) await change(`DELETE /flavors/${id}`);
});

test('who may use a flavor that is not public, sees it', async () => {
  await make('private', { 'os-flavor-access:is_public': false });
  expect((await look('GET /flavors/private')).status).toBe(404);
  expect((await look('GET /flavors')).body.flavors).toEqual([]);
  expect((await look('GET /flavors', admin)).body.flavors).toEqual([]);
  expect((await look('GET /flavors?is_public=None', admin)).body.flavors).toHaveLength(1);
  const [{ id: project }] = (await one.ask('GET /v3/projects?name=ours', { token: admin })).body.projects;
  const act = async (action: string, tenant = project) =>
    change('POST /flavors/private/action', { [action]: { tenant } });
  expect((await act('addTenantAccess', 'none')).status).toBe(400);
  expect((await act('addTenantAccess')).body).toEqual({
    flavor_access: [{ flavor_id: 'private', tenant_id: project }],
  });
  expect((await act('addTenantAccess')).status).toBe(409);
  expect((await look('GET /flavors')).body.flavors).toHaveLength(1);
  expect((await act('removeTenantAccess')).body).toEqual({ flavor_access: [] });
  expect((await look('GET /flavors/private')).status).toBe(404);
  await change('DELETE /flavors/private');
});

test('extra specs are set, shown, and taken away one by one', async () => {
  await make('1');
  const path = '/flavors/1/os-extra_specs';
  const extra_specs = { 'trait:HW_CPU_X86_AVX': 'required', 'a b': '1' };
  expect((await change(`POST ${path}`, { extra_specs: { ...extra_specs, 'a b': 1 } })).body).toEqual({ extra_specs });
  expect((await look(`GET ${path}`)).body).toEqual({ extra_specs });
  expect((await change(`PUT ${path}/a%20b`, { 'a b': '2' })).body).toEqual({ 'a b': '2' });
  expect((await change(`PUT ${path}/a`, { b: '2' })).status).toBe(400);
  expect((await look(`GET ${path}/a%20b`)).body).toEqual({ 'a b': '2' });
  expect((await change(`DELETE ${path}/a%20b`)).status).toBe(200);
  expect((await look(`GET ${path}/a%20b`)).status).toBe(404);
  await change('DELETE /flavors/1');
});

test('discovery begins with v2.0; a version that there is not is told', async () => {
  const { body } = await one.askAt('/compute')('GET ');
  expect(body.versions.map(({ id }: { id: string }) => id)).toEqual(['v2.0', 'v2.1']);
  const refused = await one.askAt('/compute/v2.1')('GET /flavors', { token: member, version: '2.999' });
  expect(refused).toMatchObject({ status: 406, body: { computeFault: { code: 406 } } });
  expect((await one.askAt('/compute/v2')('GET /flavors', { token: member, version: '2.999' })).status).toBe(200);
});

test('descriptions are there from 2.55 on, extra specs from 2.61', async () => {
  const ask = async (request: string, version: string, body?: object) =>
    one.askAt('/compute/v2.1')(request, { token: admin, version, ...(body && { body }) });
  const flavor = { id: 'new', name: 'new', ram: 1, vcpus: 1, disk: 0, description: 'small' };
  expect((await ask('POST /flavors', '2.54', { flavor })).status).toBe(400);
  expect((await ask('POST /flavors', '2.55', { flavor })).body.flavor.description).toBe('small');
  expect((await ask('PUT /flavors/new', '2.54', { flavor: { description: null } })).status).toBe(404);
  expect((await ask('PUT /flavors/new', '2.55', { flavor: { description: null } })).body.flavor.description).toBeNull();
  expect((await ask('GET /flavors', '2.55')).body.flavors[0]).toHaveProperty('description');
  expect((await ask('GET /flavors/new', '2.60')).body.flavor).not.toHaveProperty('extra_specs');
  expect((await ask('GET /flavors/new', '2.61')).body.flavor.extra_specs).toEqual({});
  await change('DELETE /flavors/new');
});
