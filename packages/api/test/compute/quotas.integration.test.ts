import { startEtcd, type EtcdServer } from '@etcd-compute/testing/etcd-server';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { addUser, openCloud, type Cloud } from '../a-cloud.js';

let etcd: EtcdServer;
let cloud: Cloud;
let admin: string;
let member: string;
let project: string;

beforeAll(async () => {
  etcd = await startEtcd();
  cloud = await openCloud(etcd);
  admin = await cloud.logIn('admin', 'admin');
  await addUser(cloud, { admin, name: 'member', project: 'ours', role: 'member' });
  member = await cloud.logIn('member', 'ours');
  project = (await cloud.ask('GET /v3/projects?name=ours', { token: admin })).body.projects[0].id;
});
afterAll(async () => {
  await cloud[Symbol.asyncDispose]();
  await etcd.stop();
});

const look = async (request: string) => cloud.askAt('/compute/v2.1')(request, { token: member });
const change = async (request: string, body?: object) =>
  cloud.askAt('/compute/v2.1')(request, { token: admin, ...(body && { body }) });
const setQuota = async (quota_set: object) => change(`PUT /os-quota-sets/${project}`, { quota_set });

test('a project has limits of its own for what was set, and those of all for the rest', async () => {
  const { body } = await look(`GET /os-quota-sets/${project}`);
  expect(body.quota_set).toMatchObject({ id: project, instances: 10, cores: 20, ram: 51_200, key_pairs: 100 });
  expect(Object.keys(body.quota_set)).toHaveLength(15);

  const changed = await setQuota({ instances: '3', cores: -1, force: 'True' });
  expect(changed).toMatchObject({ status: 200, body: { quota_set: { instances: 3, cores: -1, ram: 51_200 } } });
  expect(changed.body.quota_set).not.toHaveProperty('id');
  await change('PUT /os-quota-class-sets/default', { quota_class_set: { instances: 5, ram: 1024 } });
  expect((await look(`GET /os-quota-sets/${project}`)).body.quota_set).toMatchObject({ instances: 3, ram: 1024 });
  expect((await look(`GET /os-quota-sets/${project}/defaults`)).body.quota_set).toMatchObject({ instances: 5 });
  expect((await look('GET /limits')).body.limits.absolute).toMatchObject({
    maxTotalInstances: 3,
    maxTotalCores: -1,
    maxTotalRAMSize: 1024,
    totalInstancesUsed: 0,
  });

  expect((await change(`DELETE /os-quota-sets/${project}`)).status).toBe(202);
  expect((await look(`GET /os-quota-sets/${project}/detail`)).body.quota_set.instances).toEqual({
    limit: 5,
    in_use: 0,
    reserved: 0,
  });
});

test('what is not limited here cannot be set', async () => {
  expect((await setQuota({ floating_ips: 5 })).body.badRequest.message).toContain('floating_ips');
  expect((await setQuota({ floating_ips: -1 })).status).toBe(200);
  // Agents take so many, whoever asks.
  expect((await setQuota({ metadata_items: 5 })).body.badRequest.message).toContain('is 128 here');
  for (const quota_set of [{ volumes: 5 }, { cores: -2 }, { cores: 'x' }])
    expect((await setQuota(quota_set)).status).toBe(400);
  expect((await change(`PUT /os-quota-sets/${project}?user_id=x`, { quota_set: {} })).status).toBe(400);
  expect((await change('PUT /os-quota-sets/none', { quota_set: {} })).status).toBe(400);
  expect((await change('GET /os-quota-class-sets/other')).status).toBe(404);
});

test('a version tells of what it knows', async () => {
  const names = async (path: string, key: string, version: string) =>
    Object.keys((await cloud.askAt('/compute/v2.1')(`GET ${path}`, { token: admin, version })).body[key]);
  expect(await names(`/os-quota-sets/${project}`, 'quota_set', '2.36')).not.toContain('floating_ips');
  expect(await names(`/os-quota-sets/${project}`, 'quota_set', '2.57')).not.toContain('injected_files');
  expect(await names('/os-quota-class-sets/default', 'quota_class_set', '2.49')).toContain('floating_ips');
  expect(await names('/os-quota-class-sets/default', 'quota_class_set', '2.49')).not.toContain('server_groups');
  expect(await names('/os-quota-class-sets/default', 'quota_class_set', '2.50')).not.toContain('floating_ips');
  expect(await names('/os-quota-class-sets/default', 'quota_class_set', '2.50')).toContain('server_groups');
  const limits = await cloud.askAt('/compute/v2.1')('GET /limits', { token: admin, version: '2.57' });
  expect(Object.keys(limits.body.limits.absolute).filter((name) => /Image|Personality|Floating/.test(name))).toEqual(
    [],
  );
});
