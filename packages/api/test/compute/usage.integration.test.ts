import { startEtcd, type EtcdServer } from '@etcd-compute/testing/etcd-server';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openCloud, type Answer, type Cloud } from '../a-cloud.js';
import { aServer } from './servers/builders.js';

/** Servers as they stand in etcd, without hosts. */
const HOUR_MS = 3_600_000;
const NOW = Date.now();
const ago = (hours: number): string => new Date(NOW - hours * HOUR_MS).toISOString();
const IDS = [1, 2, 3].map((number) => `0d2f0c52-5f3c-4d39-9d0e-00000000000${number}`);

let etcd: EtcdServer;
let cloud: Cloud;
let admin: string;
beforeAll(async () => {
  etcd = await startEtcd();
  cloud = await openCloud(etcd);
  admin = await cloud.logIn('admin', 'admin');
  const { store } = cloud.compute.servers;
  const [first, second, third] = [
    { project: 'ours', launched_at: ago(10), deleted_at: ago(4) },
    { project: 'ours', launched_at: ago(2) },
    { project: 'theirs', launched_at: ago(1) },
  ].map((changes, index) => aServer({ id: IDS[index] ?? '', ...changes }));
  const servers = [first, second, third].flatMap((server) => server ?? []);
  const { revision } = await store.etcd.txn(
    servers.map((server) => ({ key: store.keys.server(server.project, server.id), modRevision: '0' })),
    servers.map((server) => ({
      op: 'put',
      key: store.keys.server(server.project, server.id),
      value: JSON.stringify(server),
    })),
  );
  await store.reach(revision);
});
afterAll(async () => {
  await cloud[Symbol.asyncDispose]();
  await etcd.stop();
});

const ask = async (query: string, version = '2.1'): Promise<Answer> =>
  cloud.askAt('/compute/v2.1')(`GET /os-simple-tenant-usage${query}`, { token: admin, version });
/** As novaclient writes them. */
const time = (hoursAgo: number): string => ago(hoursAgo).replace('Z', '000');

test('a project: servers that are there, and those that were', async () => {
  const { body } = await ask(`/ours?start=${time(6)}&end=${time(0)}`);
  expect(body.tenant_usage).toMatchObject({
    tenant_id: 'ours',
    total_hours: 4,
    total_vcpus_usage: 4,
    total_memory_mb_usage: 256,
    total_local_gb_usage: 4,
    start: time(6),
    stop: time(0),
  });
  expect(body.tenant_usage.server_usages).toMatchObject([
    { instance_id: IDS[0], state: 'terminated', hours: 2, uptime: 6 * 3600, ended_at: time(4) },
    { instance_id: IDS[1], hours: 2, started_at: time(2), ended_at: null, local_gb: 1, memory_mb: 64, vcpus: 1 },
  ]);
  expect((await ask(`/nobodys?start=${time(6)}`)).body).toEqual({ tenant_usage: {} });
});

test('all projects, in short and in detail', async () => {
  const query = `?start=${time(6)}&end=${time(0)}`;
  const { tenant_usages } = (await ask(query)).body;
  expect(tenant_usages).toMatchObject([{ tenant_id: 'ours' }, { tenant_id: 'theirs', total_hours: 1 }]);
  expect(tenant_usages[0]).not.toHaveProperty('server_usages');
  const detailed = (await ask(`${query}&detailed=1`)).body.tenant_usages;
  expect(detailed[0].server_usages).toHaveLength(2);
  // Without times it is about this moment.
  expect((await ask('')).body.tenant_usages).toMatchObject([{ tenant_id: 'ours' }, { tenant_id: 'theirs' }]);
});

test('from version 2.40 on, servers come by pages', async () => {
  const first = await ask(`/ours?start=${time(6)}&limit=1`, '2.40');
  expect(first.body.tenant_usage.server_usages).toMatchObject([{ instance_id: IDS[0] }]);
  const [{ rel, href }] = first.body.tenant_usage_links;
  expect(rel).toBe('next');
  const next = await ask(href.slice(href.indexOf('/ours?')), '2.40');
  expect(next.body.tenant_usage.server_usages).toMatchObject([{ instance_id: IDS[1] }]);
  expect(next.body).not.toHaveProperty('tenant_usage_links');
  const [link] = (await ask(`?start=${time(6)}&limit=2`, '2.40')).body.tenant_usages_links;
  expect(link.href).toContain(`marker=${IDS[1]}`);
  expect((await ask(`?start=${time(6)}&limit=1`)).body).not.toHaveProperty('tenant_usages_links');
});

test.each(['?start=yesterday', '?start=2026-13-01T00:00:00', '?end=2020-01-01T00:00:00', '?start=2020-01-01 00:00:00'])(
  '%s: refused',
  async (query) => {
    expect((await ask(query)).body.badRequest.message).toMatch(/not a time such as|cannot occur after/);
  },
);
