import { drainSchema, type Drain } from '@etcd-compute/common/etcd/messages/drain';
import { parseMessage } from '@etcd-compute/common/etcd/messages/parse-message';
import type { ProviderUuid } from '@etcd-compute/common/ids';
import type { Services } from '../services.js';

/** A drain as it is stored. */
export interface StoredDrain {
  readonly drain: Drain;
  readonly modRevision: string;
}

/** The hosts that operators have drained. */
export type Drains = ReadonlyMap<ProviderUuid, StoredDrain>;

export const listDrains = async ({ store, keys }: Pick<Services, 'store' | 'keys'>): Promise<Drains> => {
  const { entries } = await (await store()).list(keys.drains);
  return new Map(
    entries.flatMap(({ key, value, modRevision }) => {
      const host = keys.parseDrain(key);
      return host === undefined ? [] : [[host, { drain: parseMessage(drainSchema, key, value), modRevision }] as const];
    }),
  );
};
