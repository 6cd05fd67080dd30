import type { Keys } from '@etcd-compute/common/etcd/keys';
import type { Store } from '@etcd-compute/common/etcd/store';
import type { InstanceUuid, ProviderUuid } from '@etcd-compute/common/ids';
import type { StepDeps } from '../steps/step.js';
import type { OwnProvider } from '../inventory/own-provider.js';
import { listOurs, type Ours } from './ours.js';

export interface LookDeps {
  readonly store: Store;
  readonly keys: Keys;
  readonly provider: Pick<OwnProvider, 'consumers'>;
  readonly host: ProviderUuid;
  readonly steps: StepDeps;
}

/** What one look has found, for all audits of a round. */
export interface Look {
  /** The instances that hold something of this host. @throws what Placement said. */
  readonly getHolders: () => ReadonlySet<InstanceUuid>;
  /** @throws what libvirt said. */
  readonly getOurs: () => Ours;
  readonly requests: ReadonlySet<InstanceUuid>;
}

/** Reads the requests last: an instance that appears meanwhile already has its request, and is no leftover. */
export const takeLook = async ({ store, keys, provider, host, steps }: LookDeps): Promise<Look> => {
  const [consumers, ours] = await Promise.allSettled([provider.consumers(), listOurs(steps, host)]);
  const { entries } = await store.listKeys(keys.requestsOf(host));
  return {
    getHolders: () => new Set(valueOf(consumers).keys()),
    getOurs: () => valueOf(ours),
    requests: new Set(entries.flatMap(({ key }) => keys.parseRequest(key)?.instance ?? [])),
  };
};

const valueOf = <T>(result: PromiseSettledResult<T>): T => {
  if (result.status === 'rejected') throw result.reason;
  return result.value;
};
