import { randomUUID } from 'node:crypto';
import { newProviderUuid, type ProviderUuid } from '@etcd-compute/common/ids';
import { replaceAllocations } from '@etcd-compute/placement/engine/allocations/replace-allocations';
import { replaceInventories } from '@etcd-compute/placement/engine/inventories/change-inventories';
import { createProvider } from '@etcd-compute/placement/engine/providers/create-provider';
import { setProviderTraits } from '@etcd-compute/placement/engine/provider-traits';
import type { PlacementStore } from '@etcd-compute/placement/store/placement-store';
import { openApi } from './api.js';

/** So much room that no run fills a host. */
const INVENTORIES = {
  VCPU: { total: 64, allocation_ratio: 10_000 },
  MEMORY_MB: { total: 262_144, allocation_ratio: 10_000 },
  DISK_GB: { total: 4000, allocation_ratio: 10_000 },
};

const DEFAULTS = { reserved: 0, min_unit: 1, max_unit: 0x7f_ff_ff_ff, step_size: 1 };

/** About as many as a host has. */
const TRAITS = [
  'COMPUTE_IMAGE_TYPE_QCOW2',
  'COMPUTE_IMAGE_TYPE_RAW',
  'COMPUTE_NET_VIF_MODEL_VIRTIO',
  'COMPUTE_NODE',
  'COMPUTE_RESCUE_BFV',
  'COMPUTE_STORAGE_BUS_VIRTIO',
  'COMPUTE_VOLUME_ATTACH',
  'HW_CPU_X86_AESNI',
  'HW_CPU_X86_AVX',
  'HW_CPU_X86_AVX2',
  'HW_CPU_X86_BMI',
  'HW_CPU_X86_F16C',
  'HW_CPU_X86_FMA3',
  'HW_CPU_X86_MMX',
  'HW_CPU_X86_SSE',
  'HW_CPU_X86_SSE2',
  'HW_CPU_X86_SSE41',
  'HW_CPU_X86_SSE42',
  'HW_CPU_X86_SSSE3',
  'HW_CPU_X86_VMX',
];

/** What each instance asks for. */
export const GUEST = { VCPU: 1, MEMORY_MB: 512, DISK_GB: 5 };

export interface Host {
  readonly uuid: ProviderUuid;
  readonly name: string;
}

export const makeHosts = (count: number): readonly Host[] =>
  Array.from({ length: count }, (_, index) => ({ uuid: newProviderUuid(), name: `compute-${index}` }));

/** How many go into one transaction's part. */
const AT_ONCE = 16;

/** Writes hosts by the library. */
export const writeHosts = async (store: PlacementStore, hosts: readonly Host[]): Promise<void> => {
  const inventories = Object.fromEntries(
    Object.entries(INVENTORIES).map(([name, inventory]) => [name, { ...DEFAULTS, ...inventory }]),
  );
  await Promise.all(
    inChunks(hosts, AT_ONCE).map(async (chunk) =>
      store.write((draft) => {
        for (const { uuid, name } of chunk) {
          createProvider(draft, { uuid, name, parent: null });
          replaceInventories(draft, uuid, { inventories, generation: 0, mayReserveAll: true });
          setProviderTraits(draft, uuid, { traits: TRAITS, generation: 1 });
        }
      }),
    ),
  );
};

/** Writes instances by the library, evenly on all hosts. */
export const writeInstances = async (store: PlacementStore, count: number): Promise<void> => {
  const hosts = await store.read((view) => [...view.providers()].map(({ uuid }) => uuid));
  const places = Array.from({ length: count }, (_, index) => hosts[index % hosts.length] ?? '');
  await Promise.all(
    inChunks(places, AT_ONCE).map(async (chunk) =>
      store.write((draft) =>
        replaceAllocations(
          draft,
          chunk.map((host) => ({
            uuid: randomUUID(),
            project: 'bench',
            user: 'bench',
            type: 'INSTANCE',
            generation: null,
            allocations: { [host]: GUEST },
          })),
        ),
      ),
    ),
  );
};

/** Makes hosts by HTTP, one after the other: SQLite refuses a writer that has waited too long for others. */
export const postHosts = async (endpoint: string, hosts: readonly Host[]): Promise<void> => {
  const api = openApi(endpoint);
  for (const { uuid, name } of hosts) {
    await api.expect('POST', '/resource_providers', { uuid, name });
    const path = `/resource_providers/${uuid}`;
    await api.expect('PUT', `${path}/inventories`, { inventories: INVENTORIES, resource_provider_generation: 0 });
    await api.expect('PUT', `${path}/traits`, { traits: TRAITS, resource_provider_generation: 1 });
  }
  api.close();
};

const inChunks = <T>(items: readonly T[], size: number): T[][] =>
  Array.from({ length: Math.ceil(items.length / size) }, (_, index) => items.slice(index * size, (index + 1) * size));
