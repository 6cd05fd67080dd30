import { findSnapshot, type FoundSnapshot } from '@etcd-compute/cloud/snapshots/find-snapshot';
import { removeSnapshot } from '@etcd-compute/cloud/snapshots/remove-snapshot';
import type { Services } from '@etcd-compute/cloud/services';
import type { Snapshot } from '@etcd-compute/common/etcd/messages/snapshot';
import { inspectImage } from '@etcd-compute/common/images/inspect';
import { requestSnapshot, type FindEndpoint } from '@etcd-compute/common/images/request-snapshot';
import { formatSnapshotImage } from '@etcd-compute/common/snapshot-image';
import { EcomputeError } from '@etcd-compute/common/errors';
import { HttpError } from '../../http/http-error.js';
import type { Images } from '../images.js';
import type { Image, SnapshotOrder } from '../state/records.js';
import { setContent, toContent } from './upload.js';

/*
 * From the snapshot that a host takes to an image like any other:
 *
 *   asked for ──▶ taken ──▶ its content is here, the image is active ──▶ the host has forgotten it, and so has the state
 *       └──failed, never asked for, or no room here──▶ the image goes ──────▲
 *   the image was deleted meanwhile ────────────────────────────────────────┘
 *
 * Each round looks where it is, and takes the next step: so any server can go on after any other.
 */

export interface SnapshotDeps {
  readonly images: Images;
  readonly servicesOf: (project: string) => Services;
  readonly findEndpoint: FindEndpoint;
  /** Servers of images that are there now. */
  readonly listServers: () => Promise<ReadonlySet<string>>;
}

/** Whoever writes the image asks for the snapshot next. */
const ASKED_WITHIN_MS = 60_000;
const LOOK_AGAIN_MS = 500;
/** How long a host may take to forget. */
const FORGET_MS = 30_000;

/** One round. @returns undefined when it is done, or another server's. */
export const followSnapshot = async (deps: SnapshotDeps, id: string): Promise<{ againAfterMs: number } | undefined> => {
  const { images } = deps;
  await images.store.look();
  const order = images.store.view().get('snapshot', id);
  if (!order || !(await isOurs(deps, order))) return undefined;
  const found = await findSnapshot(deps.servicesOf(order.project), order);
  const image = images.store.view().get('image', id);
  if (found?.isPending || isEarly(deps, order, found)) return { againAfterMs: LOOK_AGAIN_MS };
  if (image?.status === 'saving') {
    if (found?.snapshot) await takeOrDrop(deps, image, found.snapshot);
    else await dropImage(images, image, 'its host has taken none');
  }
  await forget(deps, order, found);
  return undefined;
};

/** Takes over from a server that is gone. */
const isOurs = async (
  { images: { store, blobs }, listServers }: SnapshotDeps,
  order: SnapshotOrder,
): Promise<boolean> => {
  if (order.server === blobs.server) return true;
  if ((await listServers()).has(order.server)) return false;
  return store.write((draft) => {
    const current = draft.view.get('snapshot', order.image);
    if (current?.server !== order.server) return false;
    draft.put('snapshot', { ...current, server: blobs.server });
    return true;
  });
};

const isEarly = ({ images }: SnapshotDeps, { created_at }: SnapshotOrder, found: FoundSnapshot | undefined): boolean =>
  found === undefined && images.now() - created_at < ASKED_WITHIN_MS;

/** What has no room here has none in the next round either. */
const takeOrDrop = async (deps: SnapshotDeps, image: Image, snapshot: Snapshot): Promise<void> => {
  try {
    await takeContent(deps, image, snapshot);
  } catch (err) {
    if (!(err instanceof HttpError && err.status === 413)) throw err;
    await dropImage(deps.images, image, err.message);
  }
};

const takeContent = async ({ images, findEndpoint }: SnapshotDeps, image: Image, snapshot: Snapshot): Promise<void> => {
  const { data, status } = await requestSnapshot({
    image: formatSnapshotImage(snapshot),
    from: snapshot,
    headers: {},
    findEndpoint,
    signal: images.signal,
  });
  if (status !== 200) {
    data.destroy();
    throw new EcomputeError('ECOMPUTE_IMAGE_DOWNLOAD_FAILED', `host ${snapshot.host} answered ${status}`);
  }
  await images.blobs.take(data, { announcedBytes: snapshot.bytes }, async (taken) => {
    if (taken.received.sha256 !== snapshot.sha256)
      throw new EcomputeError('ECOMPUTE_IMAGE_CHECKSUM_WRONG', `host ${snapshot.host} sent another content`);
    const { format, virtualSizeBytes } = await inspectImage(
      taken.received.path,
      `the snapshot of ${snapshot.instance}`,
    );
    const blob = { ...toContent(images, taken), virtual_size: virtualSizeBytes };
    await taken.commit(async () => setContent(images, image, { status: 'active', disk_format: format, blob }));
  });
  images.log.info({ image: image.id, instanceUuid: snapshot.instance }, 'the snapshot of an instance is an image');
};

const dropImage = async ({ store, log }: Images, { id }: Image, reason: string): Promise<void> => {
  await store.write((draft) => {
    if (draft.view.get('image', id)?.status === 'saving') draft.delete('image', id);
  });
  log.warn({ image: id, reason }, 'a snapshot cannot become an image, which is removed');
};

const forget = async (
  { images, servicesOf }: SnapshotDeps,
  { image, project, name }: SnapshotOrder,
  found: FoundSnapshot | undefined,
): Promise<void> => {
  if (found?.snapshot) {
    const [error] = (await removeSnapshot(servicesOf(project), formatSnapshotImage({ name }), { waitMs: FORGET_MS }))
      .errors;
    if (error) throw error;
  }
  await images.store.write((draft) => draft.delete('snapshot', image));
};
