import type { Keys } from '../etcd/keys.js';
import { agentEndpointSchema } from '../etcd/messages/agent-endpoint.js';
import { parseMessage } from '../etcd/messages/parse-message.js';
import type { Store } from '../etcd/store.js';
import type { FindImageServers } from './request-stored.js';

/** Servers of images tell where they are under a lease. */
export const createFindImageServers =
  ({ store, keys }: { readonly store: Pick<Store, 'list'>; readonly keys: Keys }): FindImageServers =>
  async () => {
    const { entries } = await store.list(keys.imageServers);
    return entries.map(({ key, value }) => parseMessage(agentEndpointSchema, key, value));
  };
