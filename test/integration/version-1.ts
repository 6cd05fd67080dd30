/** What version 1 of the keys had in etcd about an instance, as it wrote it. */
import type { Keys } from '@etcd-compute/common/etcd/keys';
import type { Store, Write } from '@etcd-compute/common/etcd/store';
import type { InstanceUuid, ProviderUuid } from '@etcd-compute/common/ids';

export interface OldInstance {
  readonly instance: InstanceUuid;
  readonly host: ProviderUuid;
  readonly name?: string | null;
  readonly state?: 'scheduled' | 'active' | 'stopped' | 'error' | 'deleted';
  readonly image?: string;
  /** Its agent was asked to destroy it. */
  readonly isEnding?: boolean;
}

const RESOURCES = { VCPU: 1, MEMORY_MB: 64, DISK_GB: 1 };
const SESSION = '3e9c1c55-7b0e-4d0e-8f0a-0f8a1c2b3d4e';
const USER = '5d0f3f5e-8f43-4a3e-9d2c-7d1f4b6a8c90';

export const oldRecord = ({ instance, host, name = null, state = 'active', image }: OldInstance): unknown => ({
  version: 1,
  instance,
  name,
  host,
  state,
  session: state === 'scheduled' ? null : SESSION,
  resources: RESOURCES,
  image: image ?? 'http://images.example/a',
  step: null,
  addresses: [],
  address_sources: null,
  fault:
    state === 'error'
      ? { code: 'ECOMPUTE_DISK_FAILED', message: 'the pool is full', step: 'create-disk', hint: null, retryable: true }
      : null,
  power_count: 0,
  boot_id: null,
  created_at: '2026-01-02T03:04:05.678Z',
  updated_at: '2026-01-02T03:04:06.789Z',
  transitions: [
    { at: '2026-01-02T03:04:05.678Z', state: 'scheduled', reason: 'placed on one (spread)' },
    ...(state === 'scheduled' ? [] : [{ at: '2026-01-02T03:04:06.789Z', state, reason: `it was ${state}` }]),
  ],
});

const oldRequest = ({ instance, host, name = null, image, isEnding }: OldInstance): unknown =>
  isEnding
    ? { user_id: USER, project_id: USER, consumer_generation: 1, allocations: {}, instance, image: null }
    : {
        allocations: { [host]: { resources: RESOURCES } },
        mappings: { '': [host] },
        user_id: USER,
        project_id: USER,
        consumer_generation: null,
        instance,
        image: image ?? 'http://images.example/a',
        version: 1,
        ...(name !== null && { name }),
      };

/** Writes them, over whatever this version has about the instance. */
export const putVersion1 = async ({ store, keys }: { store: Store; keys: Keys }, old: OldInstance): Promise<void> => {
  const { instance, host, name = null, state } = old;
  const put = async (key: string, value: unknown): Promise<void> =>
    write(store, [{ op: 'put', key, value: JSON.stringify(value) }]);
  const drop = async (key: string): Promise<void> => write(store, [{ op: 'delete', key }]);
  await drop(keys.report(host, instance));
  await drop(keys.ending(instance));
  if (name !== null) await drop(keys.name('default', name));
  await put(keys.location(instance), oldRecord(old));
  if (state === 'deleted') await drop(keys.request(host, instance));
  else await put(keys.request(host, instance), oldRequest(old));
};

const write = async (store: Store, writes: readonly Write[]): Promise<void> => {
  for (const one of writes) {
    const modRevision = (await store.get(one.key))?.modRevision ?? '0';
    await store.txn([{ key: one.key, modRevision }], [one]);
  }
};
