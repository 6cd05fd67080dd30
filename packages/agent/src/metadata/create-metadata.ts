import type { Keys } from '@etcd-compute/common/etcd/keys';
import type { Store } from '@etcd-compute/common/etcd/store';
import type { ProviderUuid } from '@etcd-compute/common/ids';
import type { Logger } from '@etcd-compute/common/log';
import type { Connection } from '@etcd-compute/libvirt/connection';
import type { AgentConfig } from '../config/config.js';
import type { GuestFilter } from '../networks/guest-filter.js';
import { createMetadataAddress, type MetadataAddress } from './metadata-address.js';
import { readGuest } from './read-guest.js';
import { createMetadataServer } from './server.js';
import { isMetadataOn, tokenRulesOf } from '../config/metadata.js';

export interface MetadataDeps {
  readonly config: AgentConfig;
  readonly host: ProviderUuid;
  readonly keys: Keys;
  readonly store: Store;
  readonly getConnection: () => Connection;
  readonly filter: Pick<GuestFilter, 'findGuest'>;
  readonly log: Logger;
}

/** The metadata address, wired together; nothing when the config says so. */
export const createMetadata = (deps: MetadataDeps): MetadataAddress => {
  const { config, getConnection, filter } = deps;
  if (!isMetadataOn(config)) return { open: async () => undefined, close: async () => undefined };
  const log = deps.log.child({ component: 'metadata' });
  const now = Date.now;
  return createMetadataAddress({
    config: config.network,
    getConnection,
    createServer: () =>
      createMetadataServer({
        findGuest: async (address) => filter.findGuest(address),
        readGuest: async ({ instance }) => readGuest(deps, instance),
        tokenRules: tokenRulesOf(config),
        now,
        log,
      }),
    log,
  });
};
