import type { Keys } from '../etcd/keys.js';
import { agentEndpointSchema } from '../etcd/messages/agent-endpoint.js';
import { parseMessage } from '../etcd/messages/parse-message.js';
import type { Store } from '../etcd/store.js';
import type { FindEndpoint } from './request-snapshot.js';

/** Where the agent of any host serves. */
export const createFindEndpoint =
  ({ store, keys }: { readonly store: Pick<Store, 'get'>; readonly keys: Keys }): FindEndpoint =>
  async (host) => {
    const key = keys.endpoint(host);
    const entry = await store.get(key);
    return entry && parseMessage(agentEndpointSchema, key, entry.value);
  };
