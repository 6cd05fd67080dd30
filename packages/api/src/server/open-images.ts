import { rootCertificates } from 'node:tls';
import { servicesOf } from '@etcd-compute/cloud/cloud';
import { ReconcileLoop } from '@etcd-compute/common/async/reconcile-loop';
import { jitter } from '@etcd-compute/common/async/sleep';
import { readSecretFile } from '@etcd-compute/common/config/load';
import { listAdvertisedAddresses } from '@etcd-compute/common/endpoint/advertised-addresses';
import { createKeys } from '@etcd-compute/common/etcd/keys';
import { createFindEndpoint } from '@etcd-compute/common/images/find-endpoint';
import { createFindImageServers } from '@etcd-compute/common/images/find-image-servers';
import { createUrlPolicy } from '@etcd-compute/common/images/url-policy';
import { newProviderUuid, newSessionUuid } from '@etcd-compute/common/ids';
import { createBlobFolder } from '../image/blobs/blob-folder.js';
import { openRemovalGuard } from '../image/blobs/removal-guard.js';
import { followSnapshot } from '../image/engine/follow-snapshot.js';
import { keepHouse } from '../image/engine/keep-house.js';
import { moveContent } from '../image/engine/move-content.js';
import { createStoreRounds } from '../image/engine/store-rounds.js';
import { IMAGE_PATH } from '../image/image-service.js';
import type { Images } from '../image/images.js';
import { openContentKeys } from '../image/servers/content-keys.js';
import { openContentServer } from '../image/servers/content-server.js';
import { createFetchContent } from '../image/servers/fetch-content.js';
import { register } from '../image/servers/registration.js';
import { KINDS, type ImageRecords } from '../image/state/records.js';
import { RecordIndex } from '../state/record-index.js';
import { openRecordStore } from '../state/record-store.js';
import { publicUrlOf } from './config.js';
import { openBlobs } from './open-blobs.js';
import { openBlobStore } from './open-blob-store.js';
import type { OpenOptions } from './open-identity.js';

export interface OpenedImages extends AsyncDisposable {
  readonly images: Images;
  /** One round of what is done every now and then. */
  readonly keepHouse: () => Promise<void>;
}

/** Of `ReconcileLoop`: all contents, those to be moved to the store of all servers, or the snapshot of one image. */
type LoopKey = 'contents' | 'moves' | `snapshot/${string}`;

/** Snapshots take no room on hosts that is counted. */
const noCapacity = async (): Promise<never> => {
  throw new Error('images ask for no capacity');
};

const HOUSEKEEPING_MS = 5_000;

/** Opens the images of a cloud, and serves their contents to agents and other servers. Imports that run when it closes have failed. */
export const openImages = async ({ config, etcd, log }: OpenOptions): Promise<OpenedImages> => {
  const { folder: path, s3, listen, port, stall, allow_private, ca_cert } = config.images;
  const keys = createKeys(config.etcd.prefix);
  const ca = ca_cert === undefined ? undefined : [...rootCertificates, await readSecretFile(ca_cert, 'images.ca_cert')];
  const server = newProviderUuid();
  const closing = new AbortController();
  const contentKeys = await openContentKeys(etcd, `${keys.image}secret`);
  const shared = await openBlobStore({ s3, cloud: contentKeys.cloud, server, log, signal: closing.signal });
  const store = await openRecordStore<ImageRecords, RecordIndex<ImageRecords>>({
    kinds: KINDS,
    createIndex: (onUnreadable) => new RecordIndex(KINDS, onUnreadable),
    etcd,
    prefix: `${keys.image}state/`,
    log,
  });
  const findServers = createFindImageServers({ store: etcd, keys });
  const folder = createBlobFolder(path, server, config.images);
  const mayRemove = await openRemovalGuard({ ...contentKeys, folder: path, log });
  const { blobs, find, isNamed, isWanted } = openBlobs({
    mayRemove,
    server,
    folder,
    shared,
    store,
    stallMs: stall * 1000,
    fetch: createFetchContent({ server, findServers, keyOf: contentKeys.keyOf }),
    keyOf: contentKeys.keyOf,
    log,
  });
  const contents = await openContentServer({ listen, port, keys: contentKeys, find, log });
  const addresses = await listAdvertisedAddresses(config.images, { etcd: config.etcd, except: new Set() });
  const endpoint = { version: 1, host: server, session: newSessionUuid(), addresses, port: contents.port } as const;
  const registration = await register({ etcd, key: keys.imageServer(server), endpoint, log });
  log.info({ addresses, port: contents.port, folder: path, bucket: s3?.bucket }, 'serving the contents of images');

  const running = new Set<Promise<void>>();
  const images: Images = {
    store,
    blobs,
    urls: { policy: createUrlPolicy(allow_private), ca, loginFor: () => undefined },
    url: `${publicUrlOf(config)}${IMAGE_PATH}`,
    now: Date.now,
    signal: closing.signal,
    wakeSnapshot: (id) => loop.wake(`snapshot/${id}`),
    background: (task) => {
      const run = task()
        .catch((err: unknown) => log.error({ err }, 'what an image was asked for could not be ended'))
        .finally(() => running.delete(run));
      running.add(run);
    },
    log,
  };
  const listServers = async (): Promise<ReadonlySet<string>> => new Set((await findServers()).map(({ host }) => host));
  const stores = { folder, shared };
  const house = { images, listServers, isNamed, mayRemove };
  const storesOf = createStoreRounds(stores, Date.now);
  const snapshots = {
    images,
    servicesOf: (project: string) => servicesOf({ store: etcd, capacity: noCapacity, keys, project }),
    findEndpoint: createFindEndpoint({ store: etcd, keys }),
    listServers,
  };
  const move = async (): Promise<{ againAfterMs: number } | undefined> => {
    if (!shared) return undefined;
    const isMoved = await moveContent({ images, folder, shared, isWanted });
    return { againAfterMs: isMoved ? 0 : jitter(HOUSEKEEPING_MS) };
  };
  const loop = new ReconcileLoop<LoopKey>({
    activate: async (key) => {
      if (key === 'moves') return move();
      if (key !== 'contents') return followSnapshot(snapshots, key.slice('snapshot/'.length));
      await keepHouse({ ...house, storesOf });
      for (const { image } of store.view().list('snapshot')) images.wakeSnapshot(image);
      return { againAfterMs: jitter(HOUSEKEEPING_MS) };
    },
    onError: (key, err) => log.warn({ err, what: key }, 'could not look after the images'),
    backoffMs: { minMs: 1000, maxMs: 30_000 },
    signal: closing.signal,
  });
  loop.wake('contents');
  loop.wake('moves');
  return {
    images,
    keepHouse: async () => keepHouse({ ...house, storesOf: createStoreRounds(stores, Date.now) }),
    [Symbol.asyncDispose]: async () => {
      closing.abort();
      loop.close();
      await loop.idle();
      await Promise.all(running);
      await registration[Symbol.asyncDispose]();
      await contents.close();
      await shared?.[Symbol.asyncDispose]();
      await store[Symbol.asyncDispose]();
    },
  };
};
