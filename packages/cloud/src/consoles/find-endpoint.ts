import { consoleEndpointSchema, type ConsoleEndpoint } from '@etcd-compute/common/etcd/messages/console-endpoint';
import { parseMessage } from '@etcd-compute/common/etcd/messages/parse-message';
import { EcomputeError } from '@etcd-compute/common/errors';
import type { ProviderUuid } from '@etcd-compute/common/ids';
import type { Services } from '../services.js';
import { findHostNames } from '../hosts/host-names.js';
import { readPresences } from '../hosts/presences.js';

/** Where the agent of a host serves, with what people call the host. */
export interface FoundEndpoint extends ConsoleEndpoint {
  readonly hostName: string;
}

/**
 * Where the agent of a host serves consoles and tunnels.
 *
 * @throws EcomputeError ECOMPUTE_HOST_DOWN, ECOMPUTE_ENDPOINT_MISSING, and ECOMPUTE_ETCD_REFUSED for users who may not read its key.
 */
export const findEndpoint = async (services: Services, host: ProviderUuid): Promise<FoundEndpoint> => {
  const [presences, store] = await Promise.all([readPresences(services, [host]), services.store()]);
  const presence = presences.get(host);
  const hostName = (await findHostNames(services, presences, [host]))(host) ?? host;
  if (!presence)
    throw new EcomputeError('ECOMPUTE_HOST_DOWN', `the agent of host ${hostName} is down`, {
      retryable: true,
      hint: 'its guests may still run; their consoles are kept on that host, in consoles/ of its state_dir',
    });
  const key = services.keys.console(host);
  const entry = await store.get(key);
  const endpoint = entry && parseMessage(consoleEndpointSchema, key, entry.value);
  // That of the session before goes with its lease.
  if (endpoint?.session !== presence.session)
    throw new EcomputeError(
      'ECOMPUTE_ENDPOINT_MISSING',
      `the agent of host ${hostName} does not serve consoles and tunnels`,
      {
        retryable: true,
        hint: 'it has just started, is too old, cannot bind its port, or `endpoint` in its compute.yaml turns it off: see its log',
      },
    );
  return { ...endpoint, hostName };
};
