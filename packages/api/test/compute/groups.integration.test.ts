import { startEtcd, type EtcdServer } from '@etcd-compute/testing/etcd-server';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { addUser, openCloud, type Cloud } from '../a-cloud.js';
import { aHost } from './a-host.js';

let etcd: EtcdServer;
let cloud: Cloud;
let admin: string;
let member: string;
let project: string;

beforeAll(async () => {
  etcd = await startEtcd();
  cloud = await openCloud(etcd, '/cloud', {
    hosts: async () => [aHost('h1'), aHost('h2', { state: 'down', agent: null })],
  });
  admin = await cloud.logIn('admin', 'admin');
  await addUser(cloud, { admin, name: 'member', project: 'ours', role: 'member' });
  member = await cloud.logIn('member', 'ours');
  project = (await cloud.ask('GET /v3/projects?name=ours', { token: admin })).body.projects[0].id;
});
afterAll(async () => {
  await cloud[Symbol.asyncDispose]();
  await etcd.stop();
});

const ask = async (request: string, body?: object, token = admin) =>
  cloud.askAt('/compute/v2.1')(request, { token, ...(body && { body }) });

test('a server group has one policy, and belongs to a project', async () => {
  const make = async (server_group: object) => ask('POST /os-server-groups', { server_group }, member);
  const { body } = await make({ name: 'web', policies: ['anti-affinity'] });
  expect(body.server_group).toEqual({
    id: body.server_group.id,
    name: 'web',
    policies: ['anti-affinity'],
    members: [],
    metadata: {},
  });
  for (const policies of [[], ['affinity', 'anti-affinity'], ['soft-affinity'], ['other']])
    expect((await make({ name: 'web', policies })).status).toBe(400);
  expect((await make({ name: 'web', policies: ['affinity'], policy: 'affinity' })).status).toBe(400);

  expect((await ask('GET /os-server-groups', undefined, member)).body.server_groups).toEqual([body.server_group]);
  expect((await ask('GET /os-server-groups')).body.server_groups).toEqual([]);
  expect((await ask('GET /os-server-groups?all_projects')).body.server_groups).toEqual([body.server_group]);
  expect((await ask('GET /os-server-groups?offset=1', undefined, member)).body.server_groups).toEqual([]);

  await ask(`PUT /os-quota-sets/${project}`, { quota_set: { server_groups: 1 } });
  expect((await make({ name: 'more', policies: ['affinity'] })).status).toBe(403);
  expect((await ask('GET /limits', undefined, member)).body.limits.absolute.totalServerGroupsUsed).toBe(1);
  expect((await ask(`DELETE /os-server-groups/${body.server_group.id}`, undefined, member)).status).toBe(204);
  expect((await ask(`GET /os-server-groups/${body.server_group.id}`)).status).toBe(404);
});

test('an aggregate makes a zone of its hosts', async () => {
  const zones = async (path = '') => (await ask(`GET /os-availability-zone${path}`)).body.availabilityZoneInfo;
  expect(await zones()).toEqual([{ zoneName: 'nova', zoneState: { available: true }, hosts: null }]);
  const { body } = await ask('POST /os-aggregates', { aggregate: { name: 'a', availability_zone: 'east' } });
  expect(body.aggregate).toEqual({
    id: 1,
    name: 'a',
    availability_zone: 'east',
    created_at: body.aggregate.created_at,
    updated_at: null,
    deleted: false,
    deleted_at: null,
  });
  const act = async (action: string, host: string) => ask('POST /os-aggregates/1/action', { [action]: { host } });
  expect((await act('add_host', 'none')).status).toBe(404);
  expect((await act('add_host', 'h1')).body.aggregate).toMatchObject({
    hosts: ['h1'],
    metadata: { availability_zone: 'east' },
  });
  expect((await act('add_host', 'h1')).status).toBe(409);
  expect(await zones('/detail')).toEqual([
    {
      zoneName: 'east',
      zoneState: { available: true },
      hosts: { h1: { 'nova-compute': { available: true, active: true, updated_at: null } } },
    },
    {
      zoneName: 'nova',
      zoneState: { available: false },
      hosts: { h2: { 'nova-compute': { available: false, active: true, updated_at: null } } },
    },
  ]);
  const metadata = { availability_zone: null, ssd: 'true' };
  expect(
    (await ask('POST /os-aggregates/1/action', { set_metadata: { metadata } })).body.aggregate.availability_zone,
  ).toBeNull();
  expect(
    (await ask('PUT /os-aggregates/1', { aggregate: { availability_zone: 'west' } })).body.aggregate,
  ).toMatchObject({ name: 'a', availability_zone: 'west', metadata: { ssd: 'true' } });
  expect((await ask('PUT /os-aggregates/1', { aggregate: {} })).status).toBe(400);
  expect((await ask('DELETE /os-aggregates/1')).status).toBe(400);
  expect((await act('remove_host', 'h1')).status).toBe(200);
  expect((await act('remove_host', 'h1')).status).toBe(404);
  expect((await ask('DELETE /os-aggregates/1')).status).toBe(200);
  expect((await ask('GET /os-aggregates')).body).toEqual({ aggregates: [] });
});

test('a server group has soft policies from 2.15 on, and rules from 2.64', async () => {
  const make = async (version: string, group: object) =>
    cloud.askAt('/compute/v2.1')('POST /os-server-groups', {
      token: admin,
      version,
      body: { server_group: { name: 'web', ...group } },
    });
  expect((await make('2.15', { policies: ['soft-affinity'] })).body.server_group).toMatchObject({
    policies: ['soft-affinity'],
    user_id: expect.any(String),
  });
  const rules = { max_server_per_host: 3 };
  expect((await make('2.64', { policies: ['affinity'] })).status).toBe(400);
  expect((await make('2.64', { policy: 'affinity', rules })).status).toBe(400);
  const { body } = await make('2.64', { policy: 'anti-affinity', rules });
  expect(body.server_group).toMatchObject({ policy: 'anti-affinity', rules });
  expect(body.server_group).not.toHaveProperty('policies');
});
