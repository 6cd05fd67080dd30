import { createKeys } from '@etcd-compute/common/etcd/keys';
import type { Store } from '@etcd-compute/common/etcd/store';
import type { Logger } from '@etcd-compute/common/log';
import { createCatalog } from '../identity/catalog/catalog.js';
import { COMPUTE_PATH } from '../compute/compute-service.js';
import { IDENTITY_PATH } from '../identity/identity-service.js';
import { IMAGE_PATH } from '../image/image-service.js';
import type { Identity } from '../identity/identity.js';
import { createLoginLimit } from '../identity/passwords/login-limit.js';
import { openIdentityStore, type IdentityStore } from '../identity/state/identity-store.js';
import { tokenSchema } from '../identity/tokens/token.js';
import { createTokenStore } from '../identity/tokens/token-store.js';
import { NETWORK_PATH } from '../network/network-service.js';
import { publicUrlOf, type ApiConfig } from './config.js';

export interface OpenOptions {
  readonly config: ApiConfig;
  readonly etcd: Store;
  readonly log: Logger;
}

export const openStateOf = async ({ config, etcd, log }: OpenOptions): Promise<IdentityStore> =>
  openIdentityStore({ etcd, prefix: createKeys(config.etcd.prefix).identity, log });

/** @param store stays its owner's to close. */
export const createIdentity = ({ config, etcd }: OpenOptions, store: IdentityStore): Identity => {
  const now = Date.now;
  const publicUrl = publicUrlOf(config);
  const root = publicUrl + IDENTITY_PATH;
  return {
    store,
    tokens: createTokenStore({ etcd, keyOf: store.keys.token, schema: tokenSchema, now }),
    loginLimit: createLoginLimit({ perName: config.tokens.failures, perAddress: config.tokens.failures_per_address }),
    catalog: createCatalog(config.region, [
      { type: 'identity', name: 'eapi', url: root },
      { type: 'compute', name: 'eapi', url: `${publicUrl}${COMPUTE_PATH}/v2.1` },
      { type: 'image', name: 'eapi', url: publicUrl + IMAGE_PATH },
      { type: 'network', name: 'eapi', url: publicUrl + NETWORK_PATH },
      ...config.services,
    ]),
    tokenLifetimeMs: config.tokens.lifetime * 1000,
    url: `${root}/v3`,
    now,
  };
};
