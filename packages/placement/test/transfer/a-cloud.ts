import type { PlacementClient } from '@etcd-compute/common/placement/client';
import { z } from 'zod';

/** A uuid that is easy to tell from others. */
export const uuidOf = (kind: string, index: number): string =>
  `${kind.padEnd(8, '0')}-0000-4000-8000-${index.toString().padStart(12, '0')}`;

export const HOSTS = 6;
export const CONSUMERS = 200;
const POOL = uuidOf('b00', 0);
const NEAR = uuidOf('a99', 0);

export const sender =
  (client: PlacementClient) =>
  async (method: 'PUT' | 'POST' | 'DELETE', path: string, body?: unknown): Promise<void> => {
    await client.send({
      method,
      path,
      verb: `${method} ${path}`,
      body,
      schema: z.unknown(),
    });
  };

/**
 * Fills a Placement: hosts with two NUMA nodes each, one of which has a device; a pool of disks that is shared; names that users made; and
 * consumers of all kinds, on a host that was made smaller too.
 */
export const makeCloud = async (client: PlacementClient): Promise<void> => {
  const send = sender(client);
  await send('PUT', '/resource_classes/CUSTOM_GPU');
  await send('PUT', '/resource_classes/CUSTOM_UNUSED');
  await send('PUT', '/traits/CUSTOM_FAST');
  const provide = async (uuid: string, parent: string | null, has: object): Promise<void> => {
    await send('POST', '/resource_providers', { uuid, name: `provider ${uuid}`, parent_provider_uuid: parent });
    await send('PUT', `/resource_providers/${uuid}/inventories`, {
      inventories: has,
      resource_provider_generation: 0,
    });
  };
  await provide(POOL, null, { DISK_GB: { total: 100_000, reserved: 10, step_size: 2 } });
  await send('PUT', `/resource_providers/${POOL}/traits`, {
    traits: ['MISC_SHARES_VIA_AGGREGATE', 'CUSTOM_FAST'],
    resource_provider_generation: 1,
  });
  await send('PUT', `/resource_providers/${POOL}/aggregates`, { aggregates: [NEAR], resource_provider_generation: 2 });
  for (let host = 0; host < HOSTS; host += 1) {
    const uuid = uuidOf('c0', host);
    await provide(uuid, null, { VCPU: { total: 64, allocation_ratio: 4.1 }, MEMORY_MB: { total: 65_536 } });
    await send('PUT', `/resource_providers/${uuid}/aggregates`, {
      aggregates: [NEAR],
      resource_provider_generation: 1,
    });
    for (const node of [0, 1]) {
      const numa = uuidOf(`d${node}`, host);
      await provide(numa, uuid, { PCPU: { total: 32 } });
      await send('PUT', `/resource_providers/${numa}/traits`, {
        traits: ['HW_NUMA_ROOT'],
        resource_provider_generation: 1,
      });
    }
    await provide(uuidOf('e0', host), uuidOf('d0', host), { CUSTOM_GPU: { total: 4 } });
  }
  // Without anything, and with a name that is not plain.
  await send('POST', '/resource_providers', { uuid: uuidOf('f0', 0), name: 'Büro "2"; leer' });
  for (let index = 0; index < CONSUMERS; index += 1) await allocate(client, index);
  // The guests on it stay.
  await send('PUT', `/resource_providers/${uuidOf('c0', 1)}/inventories/VCPU`, {
    total: 1,
    max_unit: 1,
    resource_provider_generation: await generationOf(client, uuidOf('c0', 1)),
  });
};

export const generationOf = async (client: PlacementClient, provider: string): Promise<number> => {
  const { generation } = await client.send({
    method: 'GET',
    path: `/resource_providers/${provider}`,
    verb: 'look',
    schema: z.object({ generation: z.int() }),
  });
  return generation;
};

/** One consumer in three has no type; some were changed after they were made. */
const allocate = async (client: PlacementClient, index: number): Promise<void> => {
  const host = index % HOSTS;
  const consumer = uuidOf('1', index);
  const body = {
    allocations: {
      [uuidOf('c0', host)]: { resources: { VCPU: 2, MEMORY_MB: 128 } },
      ...(index % 2 === 0 && { [POOL]: { resources: { DISK_GB: 10 } } }),
      ...(index % 5 === 0 && { [uuidOf('d1', host)]: { resources: { PCPU: 1 } } }),
      ...(index < HOSTS && { [uuidOf('e0', host)]: { resources: { CUSTOM_GPU: 1 } } }),
    },
    project_id: `project-${index % 3}`,
    user_id: `user-${index % 7}`,
  };
  const type = index % 3 === 0 ? {} : { consumer_type: index % 3 === 1 ? 'INSTANCE' : 'MIGRATION' };
  const microversion = index % 3 === 0 ? 37 : 39;
  for (let generation = 0; generation <= (index < 20 ? index % 4 : 0); generation += 1)
    await client.send({
      method: 'PUT',
      path: `/allocations/${consumer}`,
      verb: 'allocate',
      body: { ...body, ...type, consumer_generation: generation === 0 ? null : generation },
      microversion,
      schema: z.unknown(),
    });
};
