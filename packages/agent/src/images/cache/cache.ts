import { unlinkSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from '@etcd-compute/common/log';
import type { FindImageServers } from '@etcd-compute/common/images/request-stored';
import { parseSnapshotImage } from '@etcd-compute/common/snapshot-image';
import { parseStoredImage } from '@etcd-compute/common/stored-image';
import type { Snapshot, SnapshotSource } from '@etcd-compute/common/etcd/messages/snapshot';
import { describeSnapshot, placeImage, type SnapshotFacts } from '../snapshots/keep-snapshot.js';
import { openSnapshotFiles, type SnapshotFiles } from '../snapshots/snapshot-files.js';
import { imagePath, type CachedImage } from '../format/cached-image.js';
import type { DownloadSettings, Progress } from '../download/download.js';
import { fetchImage, type FetchDeps } from './fetch-image.js';
import { Flights } from './flights.js';
import { openLeftovers } from '../download/old-downloads.js';
import type { ImagesSection } from '../../config/images.js';
import type { FindEndpoint } from '@etcd-compute/common/images/request-snapshot';
import { openImageSource } from '../download/source.js';
import { createSpaceGuard } from '../download/space.js';
import { openUrlEntries } from './url-entries.js';
import { checkImageUrl } from '@etcd-compute/common/images/url-policy';

/**
 * Downloaded images, and snapshots of instances. An image is its content: the file is named by its SHA-256, so two URLs with the same basename are two
 * images, and a URL whose content changes becomes another image, never another content under a guest that runs.
 *
 *   <folder>/<sha256>.img         the content, unpacked
 *   <folder>/snapshots/<id>.json  which of them are snapshots
 *   <folder>/urls/<sha256>.json   what a URL (named by its own SHA-256) last gave
 *   <folder>/<random>.part        a running download; a crash or a stop leaves it, and the next start resumes it (`partial-download.ts`)
 *
 * Nothing is under its final name before its checksum was compared, it was unpacked, and its header was read.
 */

/** An image that is in the cache. */
export interface HeldImage {
  readonly sha256: string;
  readonly path: string;
  /** What it takes of the disk. */
  readonly bytes: number;
  /** URLs that last gave it. */
  readonly urls: readonly string[];
  readonly usedAtMs: number;
}

export interface FetchOptions {
  /** Of what the server sends, `sha256:...` or the URL of a list; anything else is refused. */
  readonly checksum?: string | undefined;
  /** Which host holds it, when it is a snapshot, and what lets in. */
  readonly from?: SnapshotSource | undefined;
  /** Default true: a disk will be made on it at once, so it is not removed before. */
  readonly isForDisk?: boolean;
  readonly signal: AbortSignal;
}

/** A download in hand, for any number of callers. */
export interface Download extends Progress {
  /** As `URL.href`. */
  readonly url: string;
}

export interface CacheOptions {
  readonly settings: Pick<ImagesSection, 'max_size' | 'keep_free' | 'allow_private' | 'ca_cert' | 'netrc_file'>;
  readonly stallMs: number;
  readonly retry?: DownloadSettings['retry'];
  /** Where other agents serve. Default: nobody does. */
  readonly findEndpoint?: FindEndpoint;
  /** Where what users have uploaded is served. Default: nowhere. */
  readonly findImageServers?: FindImageServers;
  /** Called with all downloads in hand whenever one of them has moved, begun or ended. */
  readonly onDownloads?: (downloads: readonly Download[]) => void;
  readonly log: Logger;
}

const RETRY: DownloadSettings['retry'] = { attempts: 3, minMs: 500, maxMs: 10_000 };

export class ImageCache {
  readonly #deps: FetchDeps;
  readonly #flights = new Flights<CachedImage, FetchOptions>();
  /** When an image was last given to someone who makes a disk on it. */
  /** Images that this host alone has. */
  readonly snapshots: SnapshotFiles;
  readonly #givenAt = new Map<string, number>();
  readonly #downloads = new Map<string, Download>();
  readonly #onDownloads: (downloads: readonly Download[]) => void;
  #isClosing = false;

  private constructor(
    deps: Omit<FetchDeps, 'isClosing'>,
    { snapshots, onDownloads }: { snapshots: SnapshotFiles; onDownloads: CacheOptions['onDownloads'] },
  ) {
    this.snapshots = snapshots;
    this.#deps = { ...deps, isClosing: () => this.#isClosing };
    this.#onDownloads = onDownloads ?? (() => undefined);
  }

  /** @throws ECOMPUTE_CONFIG_* when a file that the settings name cannot be read. */
  static async open(
    folder: string,
    {
      settings,
      stallMs,
      retry = RETRY,
      findEndpoint = async () => undefined,
      findImageServers = async () => [],
      onDownloads,
      log,
    }: CacheOptions,
  ): Promise<ImageCache> {
    const source = await openImageSource(settings, { findEndpoint, findImageServers });
    const entries = await openUrlEntries(join(folder, 'urls'));
    const leftovers = await openLeftovers(folder, log);
    const space = createSpaceGuard(folder, settings, leftovers.removeAll);
    const deps = { folder, entries, leftovers, settings: { source, space, stallMs, retry }, log };
    const snapshots = await openSnapshotFiles(join(folder, 'snapshots'), log);
    return new ImageCache(deps, { snapshots, onDownloads });
  }

  /**
   * The image that a URL gives now, downloaded when the cache does not have it. Any number of callers share one download; it
   * stops when the last of them has gone.
   *
   * @throws EcomputeError ECOMPUTE_IMAGE_*; the signal's reason on abort.
   */
  async fetch(text: string, options: FetchOptions): Promise<CachedImage> {
    const held = parseSnapshotImage(text) ?? parseStoredImage(text);
    const url = held ? text : checkImageUrl(text).href;
    const { from, signal, checksum = held?.sha256 && `sha256:${held.sha256}` } = options;
    const flight = `${url} ${checksum ?? ''}`;
    // A copy for each caller: two may pass the same object.
    return this.#flights.join(flight, { member: { ...options }, signal }, async (members, common) => {
      const onProgress = (progress: Progress): void => this.#note(flight, { url, ...progress });
      try {
        const image = await fetchImage(this.#deps, { url, checksum, from, onProgress, signal: common });
        if ([...members].some(({ isForDisk = true }) => isForDisk)) this.#givenAt.set(image.sha256, Date.now());
        return image;
      } finally {
        this.#note(flight, undefined);
      }
    });
  }

  #note(flight: string, download: Download | undefined): void {
    if (download) this.#downloads.set(flight, download);
    else if (!this.#downloads.delete(flight)) return; // nothing had to be downloaded
    this.#onDownloads([...this.#downloads.values()]);
  }

  get folder(): string {
    return this.#deps.folder;
  }

  /** @param what begins the error. @throws ECOMPUTE_IMAGE_TOO_LARGE, ECOMPUTE_IMAGE_NO_SPACE */
  async checkSpace(what: string, bytes: number): Promise<void> {
    await this.#deps.settings.space.check(what, { totalBytes: bytes, moreBytes: bytes });
  }

  /**
   * Keeps a file of the cache's folder as a snapshot.
   *
   * @throws ECOMPUTE_IMAGE_NOT_USABLE; the signal's reason on abort. The file may be there still then.
   */
  async addSnapshot(path: string, facts: SnapshotFacts, signal: AbortSignal): Promise<Snapshot> {
    const snapshot = await describeSnapshot(path, facts, signal);
    // The same content may be there already, and be about to be removed.
    const release = this.snapshots.hold(snapshot.sha256);
    try {
      await placeImage(path, this.#deps.folder, snapshot.sha256);
      await this.snapshots.add(snapshot);
    } finally {
      release();
    }
    this.#deps.log.info({ sha256: snapshot.sha256, bytes: snapshot.bytes, name: snapshot.name }, 'snapshot kept');
    return snapshot;
  }

  /**
   * From now on, what is aborted is left for the next agent to go on with. The caller aborts what it has asked for.
   *
   * @returns when nothing is in hand any more.
   */
  async close(): Promise<void> {
    this.#isClosing = true;
    await this.#flights.settle();
  }

  /** Removes what is left of downloads and too old to go on with. */
  async collectLeftovers(nowMs: number): Promise<void> {
    await this.#deps.leftovers.collect(nowMs);
  }

  async list(): Promise<HeldImage[]> {
    const entries = await this.#deps.entries.list();
    const names = (await readdir(this.#deps.folder)).filter((name) => IMAGE_NAME.test(name));
    return Promise.all(
      names.toSorted().map(async (name) => {
        const sha256 = name.slice(0, -'.img'.length);
        const path = imagePath(this.#deps.folder, sha256);
        const { blocks, mtimeMs } = await stat(path);
        const own = entries.filter((entry) => entry.sha256 === sha256);
        return {
          sha256,
          path,
          bytes: blocks * 512,
          urls: own.map(({ url }) => url),
          usedAtMs: Math.max(mtimeMs, ...own.map(({ usedAtMs }) => usedAtMs)),
        };
      }),
    );
  }

  /**
   * Forgets an image, unless it is a snapshot. The caller has made sure that no disk is on it.
   *
   * @param graceMs how long ago it must have been given to someone who makes a disk on it.
   * @returns false when somebody may be about to.
   */
  async remove({ sha256, urls }: Pick<HeldImage, 'sha256' | 'urls'>, graceMs: number): Promise<boolean> {
    const givenAt = this.#givenAt.get(sha256);
    if (this.snapshots.isHeld(sha256)) return false;
    if (!this.#flights.isIdle || (givenAt !== undefined && Date.now() - givenAt < graceMs)) return false;
    // In one piece with what was just looked at: a fetch that begins now does not find it any more.
    unlinkSync(imagePath(this.#deps.folder, sha256));
    this.#givenAt.delete(sha256);
    for (const url of urls) await this.#deps.entries.remove(url);
    this.#deps.log.info({ sha256 }, 'cached image removed');
    return true;
  }
}

const IMAGE_NAME = /^[0-9a-f]{64}\.img$/;
