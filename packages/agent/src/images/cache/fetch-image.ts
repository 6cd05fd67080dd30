import { randomUUID } from 'node:crypto';
import { rename, rm, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import type { SnapshotSource } from '@etcd-compute/common/etcd/messages/snapshot';
import { isServerAway } from '../download/away.js';
import { imageExists, imagePath, type CachedImage } from '../format/cached-image.js';
import { verifyChecksum, type WantedDigest } from '../verify/checksum.js';
import type { Digests } from '../download/digests.js';
import { download, type DownloadResult, type Progress } from '../download/download.js';
import { inspectImage } from '@etcd-compute/common/images/inspect';
import type { Leftovers } from '../download/old-downloads.js';
import { PartialDownload } from '../download/partial-download.js';
import { unpack } from '../format/unpack.js';
import type { UrlEntry } from './url-entries.js';
import { findByDigest, findWanted, sentDigests, type DigestDeps } from './wanted-digest.js';

export interface FetchDeps extends DigestDeps {
  readonly leftovers: Leftovers;
  /** True when the agent stops: with what is aborted then, the next one goes on. */
  readonly isClosing: () => boolean;
}

export interface ImageAsked {
  readonly url: string;
  readonly checksum: string | undefined;
  /** Where it is when it is a snapshot. */
  readonly from?: SnapshotSource | undefined;
  readonly onProgress: (progress: Progress) => void;
  readonly signal: AbortSignal;
}

/** What is known before a server is asked. */
interface Beforehand {
  /** What the URL last gave. */
  readonly known: UrlEntry | undefined;
  readonly wanted?: WantedDigest;
  readonly knownDigests?: Digests | undefined;
}

/** What `ImageCache.fetch` promises, to one caller. */
export const fetchImage = async (deps: FetchDeps, asked: ImageAsked): Promise<CachedImage> => {
  const { url, checksum, signal } = asked;
  const known = await findKnown(deps, url);
  if (checksum === undefined) return obtain(deps, asked, { known });
  const wanted = await findWanted(deps, { url, checksum, signal }, known);
  const image = await fetchVerified(deps, asked, { known, wanted });
  if (wanted.listUrl !== undefined)
    deps.log.info({ url, sha256: image.sha256, verifiedBy: wanted.listUrl }, 'image verified by a list of checksums');
  return image;
};

/** A digest that is here needs no server: its content cannot be another. */
const fetchVerified = async (
  deps: FetchDeps,
  asked: ImageAsked,
  { known, wanted }: { known: UrlEntry | undefined; wanted: WantedDigest },
): Promise<CachedImage> => {
  const { algorithm, digits, listUrl = null } = wanted;
  const knownDigests = known && (await sentDigests(deps, known, { wanted, signal: asked.signal }));
  if (known && knownDigests?.[algorithm] === digits) {
    if (listUrl !== null)
      await deps.entries.write({ ...known, sentSha512: knownDigests.sha512 ?? null, verifiedBy: listUrl });
    return openKnown(deps, known);
  }
  const sha256 = await findByDigest(deps, wanted);
  if (sha256 !== undefined) {
    const now = new Date();
    await utimes(imagePath(deps.folder, sha256), now, now);
    return openImage(deps, sha256, asked.url);
  }
  // With nothing to compare, `unchanged` would be no answer.
  const comparable = knownDigests?.[algorithm] === undefined ? undefined : known;
  return obtain(deps, asked, { known: comparable, wanted, knownDigests });
};

/** Undefined when the URL is new, or its content is not here any more. */
const findKnown = async ({ entries, folder }: FetchDeps, url: string): Promise<UrlEntry | undefined> => {
  const entry = await entries.find(url);
  return entry && (await imageExists(folder, entry.sha256)) ? entry : undefined;
};

/** Asks the server, and goes on with what an earlier agent has left of the same download. */
const obtain = async (deps: FetchDeps, asked: ImageAsked, beforehand: Beforehand): Promise<CachedImage> => {
  const { url, signal } = asked;
  const { known, wanted, knownDigests } = beforehand;
  const options = { url, algorithm: wanted?.algorithm };
  await using partial =
    (await deps.leftovers.takeUp({ ...options, signal })) ?? (await PartialDownload.create(deps.folder, options));
  try {
    const result = await downloadOrKnown(deps, asked, { ...beforehand, partial });
    if (result.outcome === 'unchanged') {
      if (!known) throw new Error('a server called a file unchanged that was not asked about');
      verifyChecksum(url, { wanted, digests: knownDigests ?? { sha256: known.sentSha256 } });
      return await openKnown(deps, known);
    }
    verifyChecksum(url, { wanted, digests: result.digests });
    return await keep(deps, asked, { partial, result, wanted });
  } finally {
    if (signal.aborted && deps.isClosing()) await partial.leave();
    else await partial.remove();
  }
};

/** A server that is away is no reason to fail while there is what it last gave, unless something else is wanted. */
const downloadOrKnown = async (
  { settings, log }: FetchDeps,
  asked: ImageAsked,
  { known, wanted, partial }: Beforehand & { partial: PartialDownload },
): Promise<DownloadResult> => {
  const isKnownEnough = known !== undefined && wanted === undefined;
  // Then nobody has to wait for it either.
  const attempts = isKnownEnough ? 1 : settings.retry.attempts;
  const retry = { ...settings.retry, attempts };
  try {
    return await download({ ...settings, ...asked, partial, retry, ...(known && { known }) });
  } catch (err) {
    if (!isKnownEnough || !isServerAway(err)) throw err;
    log.warn({ err, url: asked.url }, 'image server is away, using the cached image');
    return { outcome: 'unchanged' };
  }
};

interface Downloaded {
  readonly partial: PartialDownload;
  readonly result: Extract<DownloadResult, { outcome: 'downloaded' }>;
  readonly wanted: WantedDigest | undefined;
}

const keep = async (
  deps: FetchDeps,
  { url, onProgress, signal }: ImageAsked,
  { partial, result: { digests, validators, bytes }, wanted }: Downloaded,
): Promise<CachedImage> => {
  const { folder, entries, settings, log } = deps;
  const unpacked = join(folder, `${randomUUID()}.part`);
  try {
    const { space } = settings;
    const sha256 = await unpack({ url, from: partial.path, to: unpacked, space, onProgress, signal });
    const content = sha256 === undefined ? { path: partial.path, sha256: digests.sha256 } : { path: unpacked, sha256 };
    await inspectImage(content.path, url);
    // The same content may be there already, under guests that run: it stays as it is.
    if (!(await imageExists(folder, content.sha256))) await rename(content.path, imagePath(folder, content.sha256));
    await entries.write({
      url,
      sha256: content.sha256,
      sentSha256: digests.sha256,
      sentSha512: digests.sha512 ?? null,
      verifiedBy: wanted?.listUrl ?? null,
      ...validators,
    });
    log.info({ url, sha256: content.sha256, bytes }, 'image cached');
    return await openImage(deps, content.sha256, url);
  } finally {
    await rm(unpacked, { force: true });
  }
};

const openKnown = async (deps: FetchDeps, { sha256, url }: UrlEntry): Promise<CachedImage> => {
  await deps.entries.touch(url);
  return openImage(deps, sha256, url);
};

const openImage = async ({ folder }: FetchDeps, sha256: string, url: string): Promise<CachedImage> => {
  const path = imagePath(folder, sha256);
  return { path, sha256, ...(await inspectImage(path, url)) };
};
