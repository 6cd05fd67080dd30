import { startEplacement } from '@etcd-compute/testing/eplacement';
import { startEtcd, type EtcdServer } from '@etcd-compute/testing/etcd-server';
import type { PlacementServer } from '@etcd-compute/testing/placement-server';
import { runCommand } from '@etcd-compute/testing/run-command';
import { findCommand } from '@etcd-compute/testing/service';
import { afterAll, beforeAll, expect, test } from 'vitest';

/** OpenStack's own command line, as its users have it, asks eplacement. There is no Keystone: it is told the endpoint and a token. */
let etcd: EtcdServer;
let server: PlacementServer;
beforeAll(async () => {
  etcd = await startEtcd();
  server = await startEplacement({ etcd });
});
afterAll(async () => {
  await server.stop();
  await etcd.stop();
});

const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('OS_')));

/** @returns what it prints. */
const openstack = async (...args: string[]): Promise<string> => {
  const access = ['--os-auth-type', 'admin_token', '--os-endpoint', server.endpoint, '--os-token', 'admin'];
  const argv = [findCommand('openstack'), ...access, '--os-placement-api-version', '1.39', ...args];
  return (await runCommand(argv, { env })).stdout;
};

/** `openstack resource provider list` */
const ask = async (command: string): Promise<unknown> =>
  JSON.parse(await openstack(...command.split(' '), '-f', 'json'));
const tell = async (command: string): Promise<string> => openstack(...command.split(' '));

const HOST = '0f1f3a4b-8a3c-4dbb-9e3a-5b1f6e0b7a01';
const NUMA = '0f1f3a4b-8a3c-4dbb-9e3a-5b1f6e0b7a02';
const GUEST = '0f1f3a4b-8a3c-4dbb-9e3a-5b1f6e0b7a03';
const RACK = '0f1f3a4b-8a3c-4dbb-9e3a-5b1f6e0b7a04';

const inventory = (resource_class: string, total: number, fields: object = {}): object => ({
  resource_class,
  total,
  reserved: 0,
  min_unit: 1,
  max_unit: 2_147_483_647,
  step_size: 1,
  allocation_ratio: 1,
  ...fields,
});

test('providers, inventories, traits and aggregates', async () => {
  const host = { uuid: HOST, name: 'host1', generation: 0, root_provider_uuid: HOST, parent_provider_uuid: null };
  expect(await ask(`resource provider create host1 --uuid ${HOST}`)).toEqual(host);
  await tell(`resource provider create numa1 --uuid ${NUMA} --parent-provider ${HOST}`);
  expect(await ask(`resource provider list --in-tree ${HOST}`)).toEqual([
    host,
    { uuid: NUMA, name: 'numa1', generation: 0, root_provider_uuid: HOST, parent_provider_uuid: HOST },
  ]);
  expect(await ask(`resource provider set ${NUMA} --name numa0`)).toMatchObject({ name: 'numa0' });

  await tell('resource class create CUSTOM_GPU');
  expect(await ask('resource class list')).toContainEqual({ name: 'CUSTOM_GPU' });
  const resources = 'VCPU=8 VCPU:allocation_ratio=4 MEMORY_MB=4096 MEMORY_MB:reserved=512 CUSTOM_GPU=2'
    .split(' ')
    .map((part) => `--resource ${part}`)
    .join(' ');
  expect(await ask(`resource provider inventory set ${HOST} ${resources}`)).toEqual([
    inventory('VCPU', 8, { allocation_ratio: 4 }),
    inventory('MEMORY_MB', 4096, { reserved: 512 }),
    inventory('CUSTOM_GPU', 2),
  ]);
  expect(await ask(`resource provider inventory class set ${HOST} CUSTOM_GPU --total 3`)).toMatchObject({ total: 3 });
  await tell(`resource provider inventory delete ${HOST} --resource-class CUSTOM_GPU`);

  await tell('trait create CUSTOM_FAST');
  await tell(`resource provider trait set ${HOST} --trait CUSTOM_FAST --trait HW_CPU_X86_AVX2`);
  expect(await ask(`resource provider trait list ${HOST}`)).toEqual(
    expect.arrayContaining([{ name: 'CUSTOM_FAST' }, { name: 'HW_CPU_X86_AVX2' }]),
  );
  await expect(tell('trait delete CUSTOM_FAST')).rejects.toThrow('(HTTP 409)');

  const { generation }: { generation: number } = JSON.parse(
    await openstack('resource', 'provider', 'show', HOST, '-f', 'json'),
  );
  const setAggregate = `resource provider aggregate set ${HOST} --aggregate ${RACK} --generation`;
  await expect(tell(`${setAggregate} ${generation - 1}`)).rejects.toThrow('(HTTP 409)');
  expect(await ask(`${setAggregate} ${generation}`)).toEqual([{ uuid: RACK }]);
  expect(await ask(`resource provider list --member-of ${RACK}`)).toMatchObject([{ uuid: HOST }]);
});

test('candidates, allocations and usages', async () => {
  const [candidate, ...others] = JSON.parse(
    await openstack(
      ...`allocation candidate list --resource VCPU=1 --required CUSTOM_FAST --member-of ${RACK} --limit 5 -f json`.split(
        ' ',
      ),
    ),
  );
  expect(others).toEqual([]);
  expect(candidate).toMatchObject({ allocation: 'VCPU=1', 'resource provider': HOST });
  expect(await ask('allocation candidate list --resource VCPU=1 --forbidden CUSTOM_FAST')).toEqual([]);

  const whose = '--project-id p1 --user-id u1 --consumer-type INSTANCE';
  const allocated = { resource_provider: HOST, project_id: 'p1', user_id: 'u1', consumer_type: 'INSTANCE' };
  const set = `resource provider allocation set ${GUEST} ${whose} --allocation`;
  expect(await ask(`${set} rp=${HOST},VCPU=2,MEMORY_MB=256`)).toMatchObject([
    { ...allocated, resources: { VCPU: 2, MEMORY_MB: 256 } },
  ]);
  await expect(tell(`${set} rp=${HOST},VCPU=33`)).rejects.toThrow('(HTTP 409)');
  expect(await ask(`resource provider usage show ${HOST}`)).toEqual([
    { resource_class: 'VCPU', usage: 2 },
    { resource_class: 'MEMORY_MB', usage: 256 },
  ]);
  expect(await ask('resource usage show p1')).toEqual([
    { resource_class: 'INSTANCE', usage: { VCPU: 2, MEMORY_MB: 256, consumer_count: 1 } },
  ]);
  await expect(tell(`resource provider delete ${HOST}`)).rejects.toThrow('(HTTP 409)');
  expect(await ask(`resource provider allocation unset ${GUEST} --resource-class MEMORY_MB`)).toMatchObject([
    { ...allocated, resources: { VCPU: 2 } },
  ]);
  await tell(`resource provider allocation delete ${GUEST}`);
  expect(await ask(`resource provider allocation show ${GUEST}`)).toEqual([]);
});

test('all of it goes again', async () => {
  await expect(tell(`resource provider delete ${HOST}`)).rejects.toThrow('(HTTP 409)');
  await tell(`resource provider delete ${NUMA}`);
  await tell(`resource provider delete ${HOST}`);
  await tell('resource class delete CUSTOM_GPU');
  await tell('trait delete CUSTOM_FAST');
  expect(await ask('resource provider list')).toEqual([]);
});
