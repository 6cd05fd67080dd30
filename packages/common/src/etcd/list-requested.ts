import type { InstanceUuid, ProviderUuid } from '../ids.js';
import type { Keys } from './keys.js';
import type { Store } from './store.js';

export interface RequestedDeps {
  readonly store: Pick<Store, 'listKeys'>;
  readonly keys: Keys;
  readonly host: ProviderUuid;
}

/** The instances that have a boot request on this host. */
export const listRequested = async ({ store, keys, host }: RequestedDeps): Promise<ReadonlySet<InstanceUuid>> => {
  const { entries } = await store.listKeys(keys.requestsOf(host));
  return new Set(entries.flatMap(({ key }) => keys.parseRequest(key)?.instance ?? []));
};
