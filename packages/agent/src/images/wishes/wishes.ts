import { withDeadline } from '@etcd-compute/common/async/deadline';
import { EcomputeError, isAbort } from '@etcd-compute/common/errors';
import { imageWishSchema, type ImageWish } from '@etcd-compute/common/etcd/messages/image-wish';
import { isCopyName } from '@etcd-compute/common/etcd/messages/shelved';
import { parseMessage } from '@etcd-compute/common/etcd/messages/parse-message';
import type { Entry } from '@etcd-compute/common/etcd/store';
import { followPrefix } from '@etcd-compute/common/etcd/follow';
import { DEFAULT_PROJECT } from '@etcd-compute/common/ids';
import { parseSnapshotImage } from '@etcd-compute/common/snapshot-image';
import { formatBytes } from '@etcd-compute/common/units';
import type { Logger } from '@etcd-compute/common/log';
import pLimit from 'p-limit';
import { toFault } from '../../servers/fault.js';
import { logFollowing } from '../../servers/log-following.js';
import { removeSnapshot } from './remove-snapshot.js';
import { publishImages, type ImageReportDeps } from './report.js';

export interface ImageWishesDeps extends ImageReportDeps {
  /** @throws when a disk is out of sight. */
  readonly checkDisks: () => Promise<void>;
  /** How long making a disk on an image may take. */
  readonly graceMs: number;
  /** How long fetching an image may take. */
  readonly timeoutMs: number;
  readonly relistMs: number;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

/** Carried out at a time. */
const PARALLEL = 2;

/**
 * Carries out what people wish of this host's cache. A wish stays in etcd until it has its outcome: what an agent that was killed has
 * begun is begun again by the next one.
 */
export const followImageWishes = (deps: ImageWishesDeps): void => {
  const { store, keys, host, relistMs, log, signal } = deps;
  const inHand = new Set<string>();
  const bounded = pLimit(PARALLEL);
  const take = (key: string): void => {
    if (inHand.has(key)) return;
    inHand.add(key);
    void bounded(async () => carryOut(deps, key))
      .catch((err: unknown) => {
        if (!signal.aborted) log.warn({ err, etcdKey: key }, 'wish about an image not carried out, trying again');
      })
      .finally(() => inHand.delete(key));
  };
  void followPrefix({
    store,
    prefix: keys.imageWishesOf(host),
    relistMs,
    onList: (entries) => {
      for (const { key } of entries) take(key);
    },
    onChange: (changed) => {
      for (const key of changed) take(key);
    },
    ...logFollowing(log, 'wishes about images'),
    signal,
  });
};

const carryOut = async (deps: ImageWishesDeps, key: string): Promise<void> => {
  const entry = await deps.store.get(key);
  if (!entry) return;
  const wish = parseMessage(imageWishSchema, key, entry.value);
  if (wish.outcome !== null) return;
  const outcome = await fulfil(deps, wish);
  await publishImages(deps);
  await writeOutcome(deps, entry, { ...wish, outcome });
};

/** An abort is no outcome: the next agent goes on. */
const fulfil = async (deps: ImageWishesDeps, wish: ImageWish): Promise<NonNullable<ImageWish['outcome']>> => {
  try {
    return { done: wish.wish === 'prefetch' ? await prefetch(deps, wish) : await remove(deps, wish), fault: null };
  } catch (err) {
    if (deps.signal.aborted || isAbort(err)) throw err;
    return { done: null, fault: toFault(err, wish.wish) };
  }
};

const prefetch = async (
  { images, timeoutMs, signal }: ImageWishesDeps,
  { image, checksum, source }: ImageWish,
): Promise<string> => {
  const { sha256, virtualSizeBytes } = await withDeadline(
    async (deadline) =>
      images.fetch(image, {
        checksum,
        from: source,
        isForDisk: false,
        signal: AbortSignal.any([signal, deadline]),
      }),
    { timeoutMs, what: `fetching the image ${image}`, signal },
  );
  return `sha256:${sha256}, a disk of ${formatBytes(virtualSizeBytes)}`;
};

const remove = async (
  deps: ImageWishesDeps,
  { image, project = DEFAULT_PROJECT, source }: ImageWish,
): Promise<string> => {
  const { images, checkDisks, countDisks, graceMs } = deps;
  const snapshot = parseSnapshotImage(image);
  if (snapshot) {
    await checkDisks();
    return removeSnapshot(deps, { ...snapshot, project, id: source?.id });
  }
  const found = (await images.list()).filter(
    ({ sha256, urls }) => image === `sha256:${sha256}` || urls.includes(image),
  );
  await checkDisks();
  const disks = await countDisks();
  for (const held of found) {
    const snapshotOfIt = images.snapshots.list().find(({ sha256 }) => sha256 === held.sha256);
    if (snapshotOfIt)
      throw isCopyName(snapshotOfIt.name)
        ? notRemoved(image, `shelved instance ${snapshotOfIt.instance} comes back from it`, 'unshelve or destroy that')
        : notRemoved(image, `it is the snapshot '${snapshotOfIt.name}'`, `remove snapshot:${snapshotOfIt.name}`);
    const count = disks.get(held.sha256) ?? 0;
    if (count > 0)
      throw notRemoved(image, `${count} ${count === 1 ? 'disk is' : 'disks are'} on it`, 'destroy the instances first');
    if (!(await images.remove(held, graceMs)))
      throw notRemoved(image, 'images are being fetched, or a boot has just got it', 'try again in some minutes');
  }
  return found.length === 0 ? 'it was not there' : 'removed';
};

const notRemoved = (image: string, reason: string, hint: string): EcomputeError =>
  new EcomputeError('ECOMPUTE_IMAGE_IN_USE', `could not remove the cached image ${image}: ${reason}`, { hint });

const writeOutcome = async ({ store, fence }: ImageWishesDeps, entry: Entry, wish: ImageWish): Promise<void> => {
  const { key, modRevision, lease } = entry;
  await store.txn(
    [{ key, modRevision }, fence.guard],
    [{ op: 'put', key, value: JSON.stringify(wish), ...(lease !== '0' && { lease }) }],
  );
};
