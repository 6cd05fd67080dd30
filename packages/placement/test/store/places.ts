import { randomUUID } from 'node:crypto';
import { etcdSection } from '@etcd-compute/common/config/sections';
import { openStore, type Store } from '@etcd-compute/common/etcd/store';
import { silentLogger } from '@etcd-compute/common/log';
import type { Draft } from '@etcd-compute/placement/engine/draft';
import { Refusal } from '@etcd-compute/placement/engine/refusal';
import type { View } from '@etcd-compute/placement/index/view';
import {
  openEtcdStore,
  type EtcdPlacementStore,
  type EtcdStoreOptions,
} from '@etcd-compute/placement/store/etcd-store';
import type { EtcdServer } from '@etcd-compute/testing/etcd-server';

/** Plans that give away places, as plain as can be: what a store does to a write does not depend on the rules. */
export type PlanOf<T> = (draft: Draft) => T;

export const addProvider =
  (uuid: string, places: number): PlanOf<void> =>
  (draft) => {
    const inventory = { total: places, reserved: 0, min_unit: 1, max_unit: 1, step_size: 1, allocation_ratio: 1 };
    draft.put('provider', uuid, {
      uuid,
      name: uuid,
      parent: null,
      inventories: { VCPU: inventory },
      traits: [],
      aggregates: [],
      createdAt: draft.now,
      updatedAt: draft.now,
    });
    draft.put('usage', uuid, { generation: 0, used: {} });
  };

/** @returns how many places are taken then. */
export const takePlace =
  (provider: string, consumer: string = randomUUID()): PlanOf<number> =>
  (draft) => {
    const usage = draft.get('usage', provider);
    const total = draft.view.provider(provider)?.inventories['VCPU']?.total;
    if (!usage || total === undefined) throw new Refusal('not-found', `there is no ${provider}`);
    if (draft.get('consumer', consumer)) throw new Refusal('conflict', `${consumer} has a place`);
    const used = (usage.used['VCPU'] ?? 0) + 1;
    if (used > total) throw new Refusal('conflict', `${provider} is full`);
    draft.put('usage', provider, { generation: usage.generation + 1, used: { VCPU: used } });
    draft.put('consumer', consumer, {
      uuid: consumer,
      generation: 1,
      project: 'p',
      user: 'u',
      type: null,
      allocations: { [provider]: { VCPU: 1 } },
      createdAt: draft.now,
      updatedAt: draft.now,
    });
    return used;
  };

/** Places taken as the provider counts them, its generation, and as its consumers make them. */
export const countPlaces =
  (provider: string) =>
  (view: View): { used: number; generation: number; consumers: number } => ({
    used: view.usage(provider).used['VCPU'] ?? 0,
    generation: view.usage(provider).generation,
    consumers: view.consumersOn(provider).size,
  });

export interface OpenedStore extends EtcdPlacementStore {
  readonly etcd: Store;
}

type Address = Pick<EtcdServer, 'host' | 'port'>;

/** A store with a connection of its own. */
export const open = async (
  servers: Address | readonly Address[],
  { timeoutSeconds = 5, ...options }: Partial<EtcdStoreOptions> & { prefix: string; timeoutSeconds?: number },
): Promise<OpenedStore> => {
  const hosts = [servers].flat().map(({ host, port }) => `http://${host}:${port}`);
  const etcd = await openStore(etcdSection.parse({ hosts, timeout: timeoutSeconds }));
  const opened = await openEtcdStore({ store: etcd, log: silentLogger(), ...options });
  return {
    ...opened,
    etcd,
    [Symbol.asyncDispose]: async () => {
      await opened[Symbol.asyncDispose]();
      await etcd.close();
    },
  };
};

export const outcomeOf = async (write: Promise<unknown>): Promise<string> =>
  write.then(
    () => 'done',
    (err: unknown) => (err instanceof Error ? err.message : String(err)),
  );
