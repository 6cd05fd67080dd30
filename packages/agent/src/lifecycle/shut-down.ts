import { withDeadline } from '@etcd-compute/common/async/deadline';
import type { ReconcileLoop } from '@etcd-compute/common/async/reconcile-loop';
import type { InstanceUuid } from '@etcd-compute/common/ids';
import type { Logger } from '@etcd-compute/common/log';
import type { AgentConfig } from '../config/config.js';
import type { ImageCache } from '../images/cache/cache.js';
import { persist } from '../servers/persist.js';
import type { PresenceKeeper } from '../session/presence.js';
import type { Lifetime } from './lifetime.js';
import { closeServers, type Servers } from '../servers/servers.js';

export interface ShutDownOptions {
  readonly presence: PresenceKeeper;
  readonly reportInventory: () => Promise<void>;
  readonly loop: ReconcileLoop<InstanceUuid>;
  readonly images: Pick<ImageCache, 'close'>;
  readonly servers: Servers;
  readonly lifetime: Pick<Lifetime, 'close'>;
  readonly config: AgentConfig;
  readonly log: Logger;
}

/** A busy Placement is asked again; one that is away does not hold the agent up for long. */
const MAX_LOCK_MS = 15_000;

/** Each part has the whole deadline; what does not end within it is logged and left. Guests go on. */
export const shutDown = async ({
  presence,
  reportInventory,
  loop,
  images,
  servers,
  lifetime,
  config,
  log,
}: ShutDownOptions): Promise<void> => {
  const shutdownMs = config.timeouts.shutdown * 1000;
  const attempt = async (
    what: string,
    task: (signal: AbortSignal) => Promise<void>,
    timeoutMs = shutdownMs,
  ): Promise<void> => {
    try {
      await withDeadline(task, { timeoutMs, what });
    } catch (err) {
      log.error({ err }, `shutdown continues without: ${what}`);
    }
  };
  log.info('locking inventory by reserving VCPU');
  await Promise.all([
    attempt('showing that the agent stops', presence.showStopping),
    attempt(
      'locking the inventory',
      async (signal) => persist(reportInventory, { what: 'the lock of the inventory', log, signal }),
      Math.min(shutdownMs, MAX_LOCK_MS),
    ),
    attempt('finishing the running builds', async () => loop.idle()),
  ]);
  await attempt('giving up the lease', presence.leave);
  loop.close();
  // Before the end of this lifetime ends the downloads: then they are left for the next start.
  const imagesClosed = images.close();
  lifetime.close();
  await closeServers(servers);
  await attempt('leaving downloads for the next start', async () => imagesClosed);
  log.info('ecompute has stopped; guests keep running');
};
