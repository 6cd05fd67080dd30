import { join } from 'node:path';
import { createKeys } from '@etcd-compute/common/etcd/keys';
import type { EcomputeError } from '@etcd-compute/common/errors';
import { newSessionUuid, type ProviderUuid } from '@etcd-compute/common/ids';
import type { Logger } from '@etcd-compute/common/log';
import { configureThreads } from '@etcd-compute/libvirt/threads';
import type { AgentConfig } from '../config/config.js';
import { createEndpoint, type Endpoint } from '../endpoint/endpoint.js';
import { TASKS, type Tasks } from '../kinds/tasks.js';
import { ensureFolder, readIdentity } from '../known-servers/identity.js';
import { MAX_HUNG_CALLS, maxCalls } from '../libvirt/link.js';
import { createMetadata } from '../metadata/create-metadata.js';
import { VERSION } from '../process/version.js';
import { closeServers } from '../servers/servers.js';
import { lockStateFolder } from '../state-folder/state-folder-lock.js';
import { openServers, type Beginning, type Connected } from './connect.js';
import { createHostEvents } from './host-events.js';
import { joinCloud, type Joined } from './join.js';
import { createLifetime } from './lifetime.js';
import { shutDown } from './shut-down.js';
import { startWork } from './work.js';

export interface Agent {
  readonly host: ProviderUuid;
  /**
   * Starts nothing new, locks the inventory, lets running builds finish within `timeouts.shutdown`, and closes. Guests keep running; the
   * next start continues a build that did not finish. After `ended`, it only closes.
   */
  stop(): Promise<void>;
  /**
   * Resolves when the agent must not go on: another agent has taken over this host, or etcd is another one. From then on it only waits
   * for `stop`.
   */
  readonly ended: Promise<EcomputeError>;
}

export interface StartOptions {
  readonly config: AgentConfig;
  readonly log: Logger;
  /** Ends the start while it waits for a server. */
  readonly signal: AbortSignal;
  /** Default `TASKS`; for tests, which make steps fail. */
  readonly tasks?: Tasks;
}

/**
 * Starts an agent. `connect.ts`, `join.ts` and `work.ts` wire its parts together, in this order; each part is made from parts that are
 * there, and later news comes by `host-events.ts`. All that must last is in etcd, Placement and libvirt: memory may be lost at any moment.
 *
 * @throws EcomputeError when a person must act first; a server that is away is waited for.
 */
export const startAgent = async ({ config, log: root, signal, tasks = TASKS }: StartOptions): Promise<Agent> => {
  const log = root.child({ component: 'agent' });
  await ensureFolder(config.state_dir);
  const identity = await readIdentity(config.state_dir, config.uuid);
  const { host } = identity;
  const unlock = await lockStateFolder(config.state_dir, host);
  const session = newSessionUuid();
  log.info({ providerUuid: host, session, name: config.name, version: VERSION }, 'ecompute starts');
  // One thread stays, for the probe. A thread holds some 8 MiB while it lives, and koffi keeps some 50 KiB of each that has ended.
  configureThreads({ maxThreads: maxCalls(config), maxHungThreads: MAX_HUNG_CALLS, minThreads: 1, idleMs: 60_000 });

  const lifetime = createLifetime();
  const beginning = {
    config,
    identity,
    session,
    keys: createKeys(config.etcd.prefix),
    pool: { name: config.disks.pool, folder: join(config.state_dir, 'disks') },
    lifetime,
    events: createHostEvents(),
    log,
  };
  const connected = await openServers(beginning);
  const { servers, belonging } = connected;
  const metadata = openMetadata(beginning, connected);
  /** What has been opened so far, to be closed in this order when the agent ends. */
  const opened: { close(): Promise<void> }[] = [metadata, { close: unlock }];
  try {
    const starting = AbortSignal.any([signal, lifetime.signal]);
    const joined = await joinCloud(beginning, connected, { metadata, signal: starting });
    const endpoint = openEndpoint(beginning, connected, joined);
    opened.unshift(endpoint);
    const loop = await startWork(beginning, connected, { joined, endpoint, tasks, signal: starting });
    log.info({ providerUuid: host }, 'ecompute is ready');
    return {
      host,
      ended: lifetime.ended,
      stop: async () => {
        lifetime.stopClaiming();
        await belonging.noteRevision();
        try {
          if (lifetime.signal.aborted) await closeServers(servers);
          else await shutDown({ ...joined, loop, servers, lifetime, config, log });
        } finally {
          for (const part of opened) await part.close();
        }
      },
    };
  } catch (err) {
    lifetime.close();
    await closeServers(servers);
    for (const part of opened) await part.close();
    throw lifetime.endedBy ?? err;
  }
};

const openMetadata = (
  { config, identity: { host }, keys, log }: Beginning,
  { servers: { store, link }, filter }: Connected,
): ReturnType<typeof createMetadata> =>
  createMetadata({ config, host, keys, store, getConnection: link.getConnection, filter, log });

/** Serves consoles, tunnels and snapshots. A start does not fail for it: it is tried again once a period. */
const openEndpoint = (
  { config, identity: { host }, session, keys, lifetime, events, log }: Beginning,
  { servers: { store, link } }: Connected,
  { presence, images }: Joined,
): Endpoint => {
  const { getConnection } = link;
  const endpoint = createEndpoint({ config, store, keys, host, session, presence, images, getConnection, log });
  const serve = (): void => {
    endpoint.ensure().catch((err: unknown) => {
      if (!lifetime.signal.aborted) log.warn({ err }, 'the endpoint is not served to all, trying again next period');
    });
  };
  events.on('presence-renewed', serve);
  serve();
  return endpoint;
};
