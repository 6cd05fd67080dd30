import type { Capacity } from '@etcd-compute/common/capacity/capacity';
import type { Store } from '@etcd-compute/common/etcd/store';
import type { Logger } from '@etcd-compute/common/log';
import type { ProviderUuid } from '@etcd-compute/common/ids';
import type { LibvirtLink } from '../libvirt/link.js';
import { persist } from './persist.js';

/** The three that the agent keeps in agreement. */
export interface Servers {
  readonly store: Store;
  readonly capacity: Capacity;
  readonly link: LibvirtLink;
}

export interface WaitOptions {
  /** Asks etcd something, and makes sure that it is the right one. */
  readonly checkEtcd: () => Promise<void>;
  readonly host: ProviderUuid;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

/** All three at once, so that the log says at once all that is missing. */
export const waitForServers = async (
  { store, capacity, link }: Servers,
  { checkEtcd, host, log, signal }: WaitOptions,
): Promise<void> => {
  await Promise.all([
    persist(checkEtcd, { what: `etcd at ${store.endpoints}`, log, signal }),
    persist(async () => capacity.check(host), {
      what: `Placement at ${capacity.endpoint}`,
      log,
      signal,
    }),
    link.waitUp(signal),
  ]);
};

export const closeServers = async ({ store, capacity, link }: Servers): Promise<void> => {
  await link[Symbol.asyncDispose]();
  capacity.close();
  await store.close();
};
