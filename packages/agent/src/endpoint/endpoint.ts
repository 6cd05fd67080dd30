import { join } from 'node:path';
import type { ConsoleEndpoint } from '@etcd-compute/common/etcd/messages/console-endpoint';
import type { Keys } from '@etcd-compute/common/etcd/keys';
import type { Store } from '@etcd-compute/common/etcd/store';
import type { ProviderUuid, SessionUuid } from '@etcd-compute/common/ids';
import type { Logger } from '@etcd-compute/common/log';
import pLimit from 'p-limit';
import type { AgentConfig } from '../config/config.js';
import { planNetwork } from '../networks/address-plan.js';
import { planIpv6 } from '../networks/ipv6-plan.js';
import type { PresenceKeeper } from '../session/presence.js';
import { listAdvertisedAddresses } from './advertised-addresses.js';
import { openTunnel } from './open-tunnel.js';
import { createEndpointServer, type EndpointServer } from './server.js';

/** What serves consoles and tunnels, and the key in etcd that says where. */
export interface Endpoint {
  /** Listens, and says where in etcd; repeatable, writes only what differs. @throws when it cannot. */
  ensure(): Promise<void>;
  close(): Promise<void>;
}

export interface EndpointDeps {
  readonly config: AgentConfig;
  readonly store: Store;
  readonly keys: Keys;
  readonly host: ProviderUuid;
  readonly session: SessionUuid;
  readonly presence: Pick<PresenceKeeper, 'fence' | 'leaseId'>;
  readonly log: Logger;
}

export const createEndpoint = (deps: EndpointDeps): Endpoint => {
  const { config, store, keys, host, session, log } = deps;
  if (!config.endpoint.enabled) return { ensure: async () => undefined, close: async () => undefined };
  const server = createEndpointServer({
    settings: config.endpoint,
    session,
    consolesDir: join(config.state_dir, 'consoles'),
    openTunnel: async (target) => openTunnel({ store, keys, host, ports: config.endpoint.tunnel_ports }, target),
    log,
  });
  const inTurn = pLimit(1);
  return {
    ensure: async () =>
      inTurn(async () => {
        await server.listen();
        await publish(deps, server);
      }),
    close: async () => server.close(),
  };
};

const publish = async (deps: EndpointDeps, server: EndpointServer): Promise<void> => {
  const { config, store, keys, host, session, presence, log } = deps;
  const port = server.port();
  if (port === undefined) return; // it is being closed
  const { manage, cidr, cidr6 } = config.network;
  const gateways = [planNetwork(cidr), ...(cidr6 === undefined ? [] : [planIpv6(cidr6)])].map(({ gateway }) => gateway);
  const addresses = await listAdvertisedAddresses(config.endpoint, {
    etcd: config.etcd,
    except: new Set(manage ? gateways : []),
  });
  const endpoint: ConsoleEndpoint = { version: 1, host, session, addresses, port, key: server.key };
  const key = keys.console(host);
  const entry = await store.get(key);
  const value = JSON.stringify(endpoint);
  const lease = presence.leaseId();
  if (entry?.value === value && entry.lease === lease) return;
  const { isCommitted } = await store.txn(
    [{ key, modRevision: entry?.modRevision ?? '0' }, presence.fence.guard],
    [{ op: 'put', key, value, lease }],
  );
  if (isCommitted) log.info({ addresses, port }, 'serving consoles');
};
