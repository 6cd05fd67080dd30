import { persist } from '@etcd-compute/common/async/persist';
import { untilAborted } from '@etcd-compute/common/async/until-aborted';
import { EcomputeError } from '@etcd-compute/common/errors';
import { createKeys } from '@etcd-compute/common/etcd/keys';
import { openStore } from '@etcd-compute/common/etcd/store';
import type { Logger } from '@etcd-compute/common/log';
import { createHealthPage } from '@etcd-compute/common/serving/health-page';
import { closeServer, listen } from '@etcd-compute/common/serving/listen';
import { createRequestLog } from '@etcd-compute/common/serving/request-log';
import { corsOf } from '@etcd-compute/common/serving/sections';
import { readTls, type TlsFiles } from '@etcd-compute/common/serving/tls-files';
import { watchFiles } from '@etcd-compute/common/serving/watch-files';
import { createApp, type App } from '../http/app.js';
import type { Served } from '../http/served.js';
import { createComputeService } from '../compute/compute-service.js';
import { createIdentityService } from '../identity/identity-service.js';
import { createAuthenticate } from '../identity/identity.js';
import { createImageService } from '../image/image-service.js';
import { createNetworkService } from '../network/network-service.js';
import { openHostNetworks } from '../network/state/host-networks.js';
import { publicUrlOf, type ApiConfig } from './config.js';
import { createCompute, openComputeStateOf } from './open-compute.js';
import { createNetwork } from './create-network.js';
import { createIdentity, openStateOf } from './open-identity.js';
import { openImages } from './open-images.js';
import { openServers } from './open-servers.js';
import { createRootService } from './root-service.js';
import { createServerMetrics } from './server-metrics.js';

export interface RunOptions {
  readonly config: ApiConfig;
  readonly log: Logger;
  /** Asks to stop. */
  readonly signal: AbortSignal;
}

/** Errors that waiting does not solve. */
const FINAL: readonly string[] = ['ECOMPUTE_CONFIG_INVALID', 'ECOMPUTE_CONFIG_UNREADABLE'];

/** Serves until it is asked to stop. @throws EcomputeError when a person must act first; the signal's reason when it never served. */
export const runServer = async ({ config, log: root, signal }: RunOptions): Promise<void> => {
  const log = root.child({ component: 'server' });
  const tls = config.tls && (await readTls(config.tls));
  await using etcd = await openStore(config.etcd);
  const options = { config, etcd, log };
  await using store = await persist(async () => openStateOf(options), {
    what: `etcd at ${etcd.endpoints}`,
    isFinal: (err) => err instanceof EcomputeError && FINAL.includes(err.code),
    log,
    signal,
  });
  await using computeStore = await openComputeStateOf(options);
  const identity = createIdentity(options, store);
  await using hosts = await openHostNetworks({ etcd, keys: createKeys(config.etcd.prefix), log });
  await using openedImages = await openImages(options);
  const { images } = openedImages;
  await using opened = await openServers(options, { store: computeStore, hosts, images, identity });
  const compute = createCompute({ config, identity, store: computeStore, servers: opened.servers, images });
  const network = createNetwork(options, { hosts, store });
  const metrics = createServerMetrics();
  const requestLog = createRequestLog(root.child({ component: 'api' }), whoOf);
  const app = createApp({
    services: [
      createIdentityService(identity),
      createComputeService(compute),
      createImageService(images),
      createNetworkService(network),
      createRootService(identity),
    ],
    authenticate: createAuthenticate(identity),
    config: {
      ...corsOf(config.cors),
      ...(tls && { tls }),
      maxBodyBytes: config.limits.body,
      timeoutMs: config.limits.request * 1000,
      trustedProxies: config.listen.trusted_proxies,
    },
    statusPages: [createHealthPage(store.look), metrics.page],
    onServed: (served) => {
      metrics.countServed(served);
      requestLog.served(served);
    },
    onFault: requestLog.fault,
  });
  const stopFollowing = followTls(app, { config, log });
  const url = await listen(app, { ...config.listen, isTls: tls !== undefined });
  if (store.view().named('user', 'admin', 'default') === undefined)
    log.warn('there is no user `admin` yet: `eapi bootstrap` makes one');
  log.info({ url, publicUrl: publicUrlOf(config), etcd: etcd.endpoints, etcdKey: store.keys.state }, 'eapi is ready');
  await untilAborted(signal);
  log.info('asked to stop');
  stopFollowing();
  await closeServer(app, { timeoutMs: config.limits.shutdown * 1000, log });
  log.info('eapi has stopped');
};

const whoOf = ({ caller }: Served): object => ({
  user: caller?.userId,
  project: caller?.projectId,
  roles: caller?.roles,
});

/** Certificates are replaced long before a server is. @returns ends it. */
const followTls = (app: App, { config: { tls }, log }: Pick<RunOptions, 'config' | 'log'>): (() => void) => {
  if (!tls) return () => undefined;
  const use = (files: TlsFiles): void => {
    app.server.setSecureContext({ ...files });
    log.info('the certificate has changed, and the new one is used');
  };
  const readAgain = (): void => {
    readTls(tls).then(use, (err: unknown) => log.error({ err }, 'the certificate has changed; the old one is used'));
  };
  return watchFiles([tls.cert, tls.key], readAgain);
};
