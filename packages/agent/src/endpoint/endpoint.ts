import { join } from 'node:path';
import type { AgentEndpoint } from '@etcd-compute/common/etcd/messages/agent-endpoint';
import type { ConsoleEndpoint } from '@etcd-compute/common/etcd/messages/console-endpoint';
import type { Keys } from '@etcd-compute/common/etcd/keys';
import type { Store } from '@etcd-compute/common/etcd/store';
import { EcomputeError } from '@etcd-compute/common/errors';
import type { ProviderUuid, SessionUuid } from '@etcd-compute/common/ids';
import type { Logger } from '@etcd-compute/common/log';
import type { Connection } from '@etcd-compute/libvirt/connection';
import pLimit from 'p-limit';
import type { AgentConfig } from '../config/config.js';
import { allNetworks } from '../config/network.js';
import { openInput, type InputTarget } from '../consoles/open-input.js';
import { planNetwork } from '../networks/address-plan.js';
import { planIpv6 } from '../networks/ipv6-plan.js';
import type { ImageCache } from '../images/cache/cache.js';
import type { PresenceKeeper } from '../session/presence.js';
import { listAdvertisedAddresses } from '@etcd-compute/common/endpoint/advertised-addresses';
import { findActive } from './find-active.js';
import { openTunnel } from './open-tunnel.js';
import { createEndpointServer, type EndpointServer } from './server.js';

/** What serves consoles, tunnels and snapshots, and the keys in etcd that say where. */
export interface Endpoint {
  /** Listens, and publishes the addresses in etcd. Repeatable; writes only what differs. @throws when it cannot. */
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
  /** Whose snapshots it serves. */
  readonly images: Pick<ImageCache, 'snapshots' | 'folder'>;
  readonly getConnection: () => Connection;
  readonly log: Logger;
}

export const createEndpoint = (deps: EndpointDeps): Endpoint => {
  const { config, store, keys, host, session, images, getConnection, log } = deps;
  if (!config.endpoint.enabled) return { ensure: async () => undefined, close: async () => undefined };
  const server = createEndpointServer({
    settings: config.endpoint,
    session,
    consolesDir: join(config.state_dir, 'consoles'),
    snapshots: images.snapshots,
    imagesDir: images.folder,
    openInput: async (target) => {
      await findActive({ store, keys, host }, target.instance, (reason, hint) => notOpened(target, reason, hint));
      return openInput(getConnection(), target);
    },
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

const notOpened = ({ instance }: InputTarget, reason: string, hint: string): EcomputeError =>
  new EcomputeError('ECOMPUTE_CONSOLE_CLOSED', `could not open the console of instance ${instance}: ${reason}`, {
    hint,
  });

const publish = async (deps: EndpointDeps, server: EndpointServer): Promise<void> => {
  const { config, keys, host, session, log } = deps;
  const port = server.port();
  if (port === undefined) return; // it is being closed
  const managed = allNetworks(config).filter(({ manage }) => manage);
  const gateways = managed.flatMap(({ cidr, cidr6 }) =>
    [planNetwork(cidr), ...(cidr6 === undefined ? [] : [planIpv6(cidr6)])].map(({ gateway }) => gateway),
  );
  const addresses = await listAdvertisedAddresses(config.endpoint, {
    etcd: config.etcd,
    except: new Set(gateways),
  });
  const endpoint: AgentEndpoint = { version: 1, host, session, addresses, port };
  const secret: ConsoleEndpoint = { ...endpoint, key: server.key };
  const isNew = await tell(deps, keys.console(host), secret);
  if (isNew) log.info({ addresses, port }, 'serving consoles');
  // Apart: with a role of an earlier version, an agent may not write it, and serves people all the same.
  await tell(deps, keys.endpoint(host), endpoint);
};

/** @returns whether it was another one before. */
const tell = async (
  { store, presence }: Pick<EndpointDeps, 'store' | 'presence'>,
  key: string,
  endpoint: AgentEndpoint,
): Promise<boolean> => {
  const lease = presence.leaseId();
  const entry = await store.get(key);
  const value = JSON.stringify(endpoint);
  if (entry?.value === value && entry.lease === lease) return false;
  const { isCommitted } = await store.txn(
    [{ key, modRevision: entry?.modRevision ?? '0' }, presence.fence.guard],
    [{ op: 'put', key, value, lease }],
  );
  return isCommitted;
};
