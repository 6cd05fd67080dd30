import { agentConfigSchema } from '@etcd-compute/agent/config/config';
import { createOwnProvider } from '@etcd-compute/agent/inventory/own-provider';
import { createInventoryReport, reportInventory, type ReportOptions } from '@etcd-compute/agent/inventory/report';
import type { Capacity } from '@etcd-compute/common/capacity/capacity';
import { createPlacementCapacity } from '@etcd-compute/common/capacity/placement-capacity';
import { placementSection } from '@etcd-compute/common/config/sections';
import { newInstanceUuid, newProviderUuid } from '@etcd-compute/common/ids';
import { silentLogger } from '@etcd-compute/common/log';
import { openPlacement, type PlacementClient } from '@etcd-compute/common/placement/client';
import {
  ensureResourceProvider,
  ensureTrait,
  getAggregates,
  getInventories,
  getTraits,
  listResourceProviders,
  putInventories,
  putTraits,
} from '@etcd-compute/common/placement/resource-providers';
import { startPlacement, type PlacementServer } from '@etcd-compute/testing/placement-server';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

/** The inventory report and allocations on a real Placement, with others who change the same provider. */
let server: PlacementServer;
let placement: PlacementClient;
let capacity: Capacity;

beforeAll(async () => {
  server = await startPlacement();
  placement = await openPlacement(placementSection.parse({ endpoint: server.endpoint }));
  capacity = createPlacementCapacity(placement);
});
afterAll(async () => {
  placement.close();
  await server.stop();
});

test('a Placement of today is spoken to in our microversion, not in "latest"', async () => {
  await listResourceProviders(placement);
  expect(placement.microversion()).toBe(39);
});

const aReport = (
  changes: Partial<Omit<ReportOptions, 'config'>> & { config?: Record<string, unknown> } = {},
): ReportOptions => {
  const host = newProviderUuid();
  return {
    capacity,
    host,
    resources: { VCPU: 4, MEMORY_MB: 8192, DISK_GB: 100 },
    imagesGiB: 0,
    forgotten: {},
    isLocked: false,
    log: silentLogger(),
    ...changes,
    config: agentConfigSchema.parse({ name: host, ...changes.config }),
  };
};

describe('reportInventory', () => {
  test('keeps what others have put there, and writes nothing when nothing differs', async () => {
    const { host } = aReport();
    await ensureResourceProvider(placement, { uuid: host, name: host });
    await putTraits(placement, host, { traits: ['HW_CPU_X86_AVX'], generation: 0 });
    const pci = { total: 2, reserved: 0, allocation_ratio: 1, max_unit: 2 };
    await putInventories(placement, host, { inventories: { PCI_DEVICE: pci }, generation: 1 });
    const group = newProviderUuid();
    const options = aReport({ host, config: { traits: ['CUSTOM_SSD', 'HW_CPU_X86_SSE'], aggregates: [group] } });
    await reportInventory(options);

    const { inventories, resource_provider_generation: generation } = await getInventories(placement, host);
    expect(inventories).toMatchObject({
      VCPU: { total: 4, reserved: 0, allocation_ratio: 4, max_unit: 4 },
      MEMORY_MB: { total: 8192, reserved: 512, allocation_ratio: 1, max_unit: 8192 },
      DISK_GB: { total: 100 },
      PCI_DEVICE: { total: 2 },
    });
    expect((await getTraits(placement, host)).traits.toSorted()).toEqual([
      'CUSTOM_SSD',
      'HW_CPU_X86_AVX',
      'HW_CPU_X86_SSE',
    ]);
    expect((await getAggregates(placement, host)).aggregates).toEqual([group]);
    await reportInventory(options);
    expect((await getInventories(placement, host)).resource_provider_generation).toBe(generation);
  });

  test('a provider that others change in between is read again, until it fits', async () => {
    let interferences = 0;
    const options = aReport({ config: { traits: ['CUSTOM_A'] } });
    const { host } = options;
    /** After each read of the provider, someone else changes it. */
    const interfered: PlacementClient = {
      ...placement,
      send: async (request) => {
        const reply = await placement.send(request);
        if (request.method === 'GET' && /(inventories|traits)$/.test(request.path) && interferences < 3) {
          interferences += 1;
          const { traits, resource_provider_generation: generation } = await getTraits(placement, host);
          const trait = `CUSTOM_OTHER_${interferences}`;
          await ensureTrait(placement, trait);
          await putTraits(placement, host, { traits: [...traits, trait], generation });
        }
        return reply;
      },
    };
    await reportInventory({ ...options, capacity: createPlacementCapacity(interfered) });
    expect(interferences).toBe(3);
    expect((await getInventories(placement, host)).inventories['VCPU']?.total).toBe(4);
    expect((await getTraits(placement, host)).traits.toSorted()).toEqual([
      'CUSTOM_A',
      'CUSTOM_OTHER_1',
      'CUSTOM_OTHER_2',
      'CUSTOM_OTHER_3',
    ]);
  });

  test('two reports at once both come through', async () => {
    const first = aReport({ config: { traits: ['CUSTOM_ONE'] } });
    const second = aReport({ host: first.host, config: { name: first.host, traits: ['CUSTOM_TWO'] } });
    await Promise.all([reportInventory(first), reportInventory(second)]);
    expect((await getTraits(placement, first.host)).traits.toSorted()).toEqual(['CUSTOM_ONE', 'CUSTOM_TWO']);
  });

  test('a name that another provider has is told', async () => {
    const first = aReport();
    await reportInventory(first);
    await expect(reportInventory(aReport({ config: { name: first.host } }))).rejects.toMatchObject({
      code: 'ECOMPUTE_PLACEMENT_CONFLICT',
      message: expect.stringContaining(first.host),
    });
  });
});

describe('the look at the own provider', () => {
  /** A host whose report and audits have looked, and what they ask of Placement in each period from then on. */
  const aHost = async () => {
    const asked: string[] = [];
    const counted: PlacementClient = {
      ...placement,
      send: async (request) => {
        asked.push(`${request.method} ${request.path.replace(/.*[0-9a-f-]{36}/, '')}`);
        return placement.send(request);
      },
    };
    const { host, config, resources: own, imagesGiB, forgotten, isLocked, log } = aReport();
    const countedCapacity = createPlacementCapacity(counted);
    const clock = { now: 0 };
    const provider = createOwnProvider({ capacity: countedCapacity, host, now: () => clock.now });
    const report = createInventoryReport({ capacity: countedCapacity, provider, host, config, log });
    const lookOnce = async (room: { resources?: ReportOptions['resources'] } = {}) => {
      asked.length = 0;
      await provider.look();
      await report({ resources: own, imagesGiB, forgotten, isLocked, ...room });
      const consumers = await provider.consumers();
      return { asked: [...asked], consumers: [...consumers.keys()] };
    };
    await lookOnce(); // makes the provider, which changes it
    await lookOnce();
    return { host, clock, lookOnce };
  };
  const ALL = ['GET ', 'GET ', 'GET /inventories', 'GET /allocations'];
  const resources = { VCPU: 1, MEMORY_MB: 512 };

  test('asks one thing a period while nothing changes, and all of it after a while', async () => {
    const { clock, lookOnce } = await aHost();
    expect((await lookOnce()).asked).toEqual(['GET ']);
    expect((await lookOnce()).asked).toEqual(['GET ']);
    clock.now += 600_000;
    expect((await lookOnce()).asked).toEqual(ALL);
    expect((await lookOnce()).asked).toEqual(['GET ']);
  });

  test('sees what is allocated and released', async () => {
    const { host, lookOnce } = await aHost();
    const instance = newInstanceUuid();
    const allocations = { [host]: { resources } };
    await capacity.allocate([{ instance, userId: 'u', projectId: 'p', allocations }]);
    expect((await lookOnce()).consumers).toEqual([instance]);
    await capacity.release(instance);
    expect((await lookOnce()).consumers).toEqual([]);
  });

  test('mends an inventory that somebody else has changed, and writes what the host itself has changed', async () => {
    const { host, lookOnce } = await aHost();
    const { inventories, resource_provider_generation: generation } = await getInventories(placement, host);
    const { VCPU: _, ...others } = inventories;
    await putInventories(placement, host, { inventories: others, generation });
    await lookOnce();
    expect((await getInventories(placement, host)).inventories['VCPU']?.total).toBe(4);
    await lookOnce({ resources: { VCPU: 8, MEMORY_MB: 8192, DISK_GB: 100 } });
    expect((await getInventories(placement, host)).inventories['VCPU']?.total).toBe(8);
  });

  test('sees in the end what a DELETE has released, which leaves the generation as it is', async () => {
    const { host, clock, lookOnce } = await aHost();
    const instance = newInstanceUuid();
    await capacity.allocate([{ instance, userId: 'u', projectId: 'p', allocations: { [host]: { resources } } }]);
    await lookOnce();
    const headers = { 'x-auth-token': 'admin' };
    await fetch(`${server.endpoint}/allocations/${instance}`, { method: 'DELETE', headers });
    expect((await lookOnce()).consumers).toEqual([instance]);
    clock.now += 600_000;
    expect((await lookOnce()).consumers).toEqual([]);
  });
});

describe('allocations', () => {
  test('no room is an outcome; a release can be repeated', async () => {
    const options = aReport();
    const { host } = options;
    await reportInventory(options);
    const instance = newInstanceUuid();
    const ask = { instance, userId: 'u', projectId: 'p' };
    const allocations = { [host]: { resources: { VCPU: 4, MEMORY_MB: 7680 } } };
    expect(await capacity.allocate([{ ...ask, allocations }])).toMatchObject({ outcome: 'allocated' });
    expect(await capacity.allocate([{ ...ask, allocations, instance: newInstanceUuid() }])).toMatchObject({
      outcome: 'no-room',
      err: { message: expect.stringContaining('MEMORY_MB') },
    });
    // Placement has one answer for a consumer and for a provider that has changed.
    expect(await capacity.allocate([{ ...ask, allocations }])).toMatchObject({ outcome: 'busy' });
    await Promise.all([capacity.release(instance), capacity.release(instance)]);
    await capacity.release(instance);
    expect((await capacity.read(instance)).allocations).toEqual({});
  });
});
