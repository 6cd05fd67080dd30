import type { Keys } from '@etcd-compute/common/etcd/keys';
import { listRequested } from '@etcd-compute/common/etcd/list-requested';
import type { Entry, Store } from '@etcd-compute/common/etcd/store';
import type { InstanceUuid, ProviderUuid } from '@etcd-compute/common/ids';
import { readRecord } from '../instances/read-record.js';
import type { OwnProvider } from '../inventory/own-provider.js';
import { listOurs, type Ours, type OursDeps } from './ours.js';

export interface LookDeps {
  readonly store: Pick<Store, 'listKeys' | 'getMany'>;
  readonly keys: Keys;
  readonly provider: Pick<OwnProvider, 'consumers'>;
  readonly host: ProviderUuid;
  readonly steps: OursDeps;
}

/** What one look has found, for all audits of a round. */
export interface Look {
  /** The instances that hold something of this host. @throws what Placement said. */
  readonly getHolders: () => ReadonlySet<InstanceUuid>;
  /** @throws what libvirt said. */
  readonly getOurs: () => Ours;
  readonly requests: ReadonlySet<InstanceUuid>;
  /** Those, and those that had a request when the look began: they may have been destroyed since, and what was seen of them is out of date. */
  readonly requestsMeanwhile: ReadonlySet<InstanceUuid>;
  /** Those of them that hold something of this host, though they are shelved: somebody took it to unshelve them, and did not go on. */
  readonly shelvedHolders: ReadonlySet<InstanceUuid>;
}

/** Reads the requests before and after all else: neither an instance that appears meanwhile nor one that goes is a leftover. */
export const takeLook = async ({ store, keys, provider, host, steps }: LookDeps): Promise<Look> => {
  const before = await listRequested({ store, keys, host });
  const [consumers, ours] = await Promise.allSettled([provider.consumers(), listOurs(steps, host)]);
  const requests = await listRequested({ store, keys, host });
  const holders = consumers.status === 'fulfilled' ? [...consumers.value.keys()] : [];
  const guests = ours.status === 'fulfilled' ? ours.value : undefined;
  const suspects = holders.filter((instance) => requests.has(instance) && guests && !guests.has(instance));
  return {
    getHolders: () => new Set(valueOf(consumers).keys()),
    getOurs: () => valueOf(ours),
    requests,
    requestsMeanwhile: new Set([...before, ...requests]),
    shelvedHolders: await findShelved({ store, keys, host }, suspects),
  };
};

const findShelved = async (
  { store, keys, host }: Pick<LookDeps, 'store' | 'keys' | 'host'>,
  suspects: readonly InstanceUuid[],
): Promise<Set<InstanceUuid>> => {
  if (suspects.length === 0) return new Set();
  const { entries } = await store.getMany(suspects.map((instance) => keys.report(host, instance)));
  return new Set(suspects.filter((_instance, index) => isShelved(entries[index])));
};

/** It needs no allocation. */
export const isShelved = (entry: Entry | undefined): boolean => {
  const record = readRecord(entry);
  return typeof record === 'object' && record.state === 'shelved';
};

const valueOf = <T>(result: PromiseSettledResult<T>): T => {
  if (result.status === 'rejected') throw result.reason;
  return result.value;
};
