import type { Ecompute } from '@etcd-compute/testing/ecompute';
import { waitFor } from '@etcd-compute/testing/wait-for';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openCloud, type Answer, type Cloud } from '../../../packages/api/test/a-cloud.js';
import { startWorld, type World } from '../fixtures/agent-world.js';

/** What an admin sees of hosts: hypervisors, services, zones. */
let world: World;
let agent: Ecompute;
let cloud: Cloud;
let token = '';

beforeAll(async () => {
  world = await startWorld();
  agent = await world.startAgent({ placement: 'etcd' });
  cloud = await openCloud(world.etcd, '');
  token = await cloud.logIn('admin', 'admin');
});
afterAll(async () => {
  await cloud[Symbol.asyncDispose]();
  await agent.stop();
  await world[Symbol.asyncDispose]();
});

const ask = async (request: string, body?: unknown, version = '2.1'): Promise<Answer> =>
  cloud.askAt('/compute/v2.1')(request, { token, version, ...(body !== undefined && { body }) });

const theHypervisor = async () => (await ask('GET /os-hypervisors/detail')).body.hypervisors[0];

test('a hypervisor has what its agent tells', async () => {
  const hypervisor = await waitFor(theHypervisor, { what: 'the host to be there' });
  expect(hypervisor).toMatchObject({ state: 'up', status: 'enabled', hypervisor_type: 'TEST', running_vms: 0 });
  expect(hypervisor.vcpus).toBeGreaterThan(0);
  expect(hypervisor.hypervisor_version).toBeGreaterThan(0);
  expect((await ask(`GET /os-hypervisors/${hypervisor.id}`)).body.hypervisor).toEqual(hypervisor);
  const name = hypervisor.hypervisor_hostname;
  expect((await ask(`GET /os-hypervisors/${name}/search`)).body.hypervisors).toHaveLength(1);
  expect((await ask('GET /os-hypervisors/none/search')).status).toBe(404);
  expect((await ask('GET /os-hypervisors/statistics')).body.hypervisor_statistics).toMatchObject({ count: 1 });
  expect((await ask('GET /os-availability-zone')).body.availabilityZoneInfo).toEqual([
    { zoneName: 'nova', zoneState: { available: true }, hosts: null },
  ]);
});

test('a service that is disabled is a host that is drained', async () => {
  const { hypervisor_hostname: host } = await theHypervisor();
  const service = { host, binary: 'nova-compute' };
  const reason = { ...service, disabled_reason: 'new disks' };
  const list = async () => (await ask('GET /os-services')).body.services;
  // Twice is as once.
  for (const _ of [1, 2])
    expect((await ask('PUT /os-services/disable-log-reason', reason)).body.service).toEqual({
      ...reason,
      status: 'disabled',
    });
  expect(await list()).toMatchObject([{ ...reason, status: 'disabled', state: 'up', zone: 'nova' }]);
  for (const _ of [1, 2])
    expect((await ask('PUT /os-services/enable', service)).body.service).toEqual({ ...service, status: 'enabled' });
  expect(await list()).toMatchObject([{ status: 'enabled', disabled_reason: null }]);

  expect((await ask('PUT /os-services/disable-log-reason', service)).status).toBe(400);
  expect((await ask('PUT /os-services/disable', { ...service, host: 'none' })).status).toBe(404);
  expect((await ask('PUT /os-services/other', service)).status).toBe(404);
  expect((await ask('PUT /os-services/force-down', service)).status).toBe(501);
});
