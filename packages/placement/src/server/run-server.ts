import { untilAborted } from '@etcd-compute/common/async/until-aborted';
import { persist } from '@etcd-compute/common/async/persist';
import { EcomputeError } from '@etcd-compute/common/errors';
import { createKeys } from '@etcd-compute/common/etcd/keys';
import { openStore, type Store } from '@etcd-compute/common/etcd/store';
import type { Logger } from '@etcd-compute/common/log';
import { createHealthPage } from '@etcd-compute/common/serving/health-page';
import { closeServer } from '@etcd-compute/common/serving/listen';
import { createRequestLog } from '@etcd-compute/common/serving/request-log';
import { createApp } from '../http/app.js';
import type { Served } from '../http/served.js';
import { createRoutes } from '../http/routes/routes.js';
import { openEtcdStore, type EtcdPlacementStore } from '../store/etcd-store.js';
import { appConfigOf, candidatesOf } from './app-config.js';
import type { ServerConfig } from './config.js';
import { followFiles, readFiles } from './files.js';
import { listen, warnIfOpen } from './listen.js';
import { createServerMetrics, type ServerMetrics } from './metrics/server-metrics.js';

export interface RunOptions {
  readonly config: ServerConfig;
  readonly log: Logger;
  /** Asks to stop. */
  readonly signal: AbortSignal;
}

/** Serves until it is asked to stop. @throws EcomputeError when a person must act first; the signal's reason when it never served. */
export const runServer = async ({ config, log: root, signal }: RunOptions): Promise<void> => {
  const log = root.child({ component: 'server' });
  const options = { config, log, signal };
  let files = await readFiles(config);
  const metrics = createServerMetrics();
  await using etcd = await openStore(config.etcd);
  await using store = await waitForStore(etcd, metrics, options);
  const requestLog = createRequestLog(root.child({ component: 'api' }), whoOf);
  const app = createApp({
    routes: createRoutes(candidatesOf(config)),
    store,
    config: appConfigOf(config, () => files),
    statusPages: [createHealthPage(store.catchUp), metrics.page],
    onServed: (served) => {
      metrics.countServed(served);
      requestLog.served(served);
    },
    onFault: requestLog.fault,
  });
  const stopFollowing = followFiles({
    config,
    onChange: (changed) => {
      files = changed;
      if (files.tls) app.server.setSecureContext(files.tls);
      log.info('the files that the config names have changed, and are used as they are now');
    },
    onTrouble: (err) => log.error({ err }, 'the files that the config names have changed; used as they were before'),
  });
  const url = await listen(app, config);
  warnIfOpen(config, log);
  log.info({ url, etcd: etcd.endpoints, etcdKey: prefixOf(config), auth: config.auth }, 'eplacement is ready');
  await untilAborted(signal);
  log.info('asked to stop');
  stopFollowing();
  await closeServer(app, { timeoutMs: config.limits.shutdown * 1000, log });
  log.info('eplacement has stopped');
};

const whoOf = ({ caller, version }: Served): object => ({
  version: version === undefined ? undefined : `1.${version}`,
  user: caller?.userId,
  project: caller?.projectId,
});

const prefixOf = ({ etcd }: ServerConfig): string => createKeys(etcd.prefix).placement;

/** Errors that waiting does not solve. */
const FINAL: readonly string[] = [
  'ECOMPUTE_CONFIG_INVALID',
  'ECOMPUTE_CONFIG_UNREADABLE',
  'ECOMPUTE_PLACEMENT_TOO_OLD',
];

const waitForStore = async (
  etcd: Store,
  { storeObserver }: ServerMetrics,
  { config, log, signal }: RunOptions,
): Promise<EtcdPlacementStore> =>
  persist(async () => openEtcdStore({ store: etcd, prefix: prefixOf(config), log, observer: storeObserver }), {
    what: `etcd at ${etcd.endpoints}`,
    isFinal: (err) => err instanceof EcomputeError && FINAL.includes(err.code),
    log,
    signal,
  });
