import { randomUUID } from 'node:crypto';
import { unlinkSync } from 'node:fs';
import { readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { EcomputeError } from '@etcd-compute/common/errors';
import { checksumDigits } from '@etcd-compute/common/image-checksum';
import type { Logger } from '@etcd-compute/common/log';
import { verifyChecksum } from './checksum.js';
import { download, type DownloadResult, type DownloadSettings, type Progress } from './download.js';
import { inspectImage, type ImageInfo } from './inspect.js';
import type { ImagesSection } from './settings.js';
import { openImageSource } from './source.js';
import { createSpaceGuard } from './space.js';
import { unpack } from './unpack.js';
import { openUrlEntries, type UrlEntries, type UrlEntry } from './url-entries.js';
import { checkImageUrl } from './url-policy.js';

/**
 * Downloaded images. An image is its content: the file is named by its SHA-256, so two URLs with the same basename are two
 * images, and a URL whose content changes becomes another image, never another content under a guest that runs.
 *
 *   <folder>/<sha256>.img         the content, unpacked
 *   <folder>/urls/<sha256>.json   what a URL (named by its own SHA-256) last gave
 *   <folder>/<random>.part        a download in hand; a crash leaves it, the next start removes it
 *
 * Nothing is under its final name before its checksum was compared, it was unpacked, and its header was read.
 */
export interface CachedImage extends ImageInfo {
  readonly path: string;
  readonly sha256: string;
}

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

interface Flight {
  readonly result: Promise<CachedImage>;
  readonly controller: AbortController;
  readonly listeners: Set<(progress: Progress) => void>;
  isForDisk: boolean;
}

export interface FetchOptions {
  /** `sha256:...` of what the server sends; anything else is refused. */
  readonly checksum?: string | undefined;
  /** Default true: a disk will be made on it at once, so it is not removed before. */
  readonly isForDisk?: boolean;
  readonly onProgress: (progress: Progress) => void;
  readonly signal: AbortSignal;
}

export interface CacheOptions {
  readonly settings: Pick<ImagesSection, 'max_size' | 'keep_free' | 'allow_private' | 'ca_cert' | 'netrc_file'>;
  readonly stallMs: number;
  readonly retry?: DownloadSettings['retry'];
  readonly log: Logger;
}

const RETRY: DownloadSettings['retry'] = { attempts: 3, minMs: 500, maxMs: 10_000 };

export class ImageCache {
  readonly #folder: string;
  readonly #entries: UrlEntries;
  readonly #settings: DownloadSettings;
  readonly #log: Logger;
  readonly #flights = new Map<string, Flight>();
  /** When an image was last given to someone who makes a disk on it. */
  readonly #givenAt = new Map<string, number>();

  private constructor(
    { folder, entries }: { folder: string; entries: UrlEntries },
    settings: DownloadSettings,
    log: Logger,
  ) {
    this.#folder = folder;
    this.#entries = entries;
    this.#settings = settings;
    this.#log = log;
  }

  /** @throws ECOMPUTE_CONFIG_* when a file that the settings name cannot be read. */
  static async open(folder: string, { settings, stallMs, retry = RETRY, log }: CacheOptions): Promise<ImageCache> {
    const source = await openImageSource(settings);
    const entries = await openUrlEntries(join(folder, 'urls'));
    for (const name of await readdir(folder)) if (name.endsWith('.part')) await rm(join(folder, name), { force: true });
    const space = createSpaceGuard(folder, settings);
    return new ImageCache({ folder, entries }, { source, space, stallMs, retry }, log);
  }

  /**
   * The image that a URL gives now, downloaded when the cache does not have it. Any number of callers share one download; it
   * stops when the last of them has gone.
   *
   * @throws EcomputeError ECOMPUTE_IMAGE_*; the signal's reason on abort.
   */
  async fetch(text: string, { onProgress, signal, checksum, isForDisk = true }: FetchOptions): Promise<CachedImage> {
    const { href: url } = checkImageUrl(text);
    signal.throwIfAborted();
    const key = `${url} ${checksum ?? ''}`;
    const flight = this.#flights.get(key) ?? this.#start(key, url, checksum);
    flight.isForDisk ||= isForDisk;
    // One of its own for each caller: two may pass the same function.
    const listener = (progress: Progress): void => onProgress(progress);
    flight.listeners.add(listener);
    const leave = (): void => {
      flight.listeners.delete(listener);
      if (flight.listeners.size > 0) return;
      flight.controller.abort();
      this.#land(key, flight);
    };
    signal.addEventListener('abort', leave, { once: true });
    try {
      return await Promise.race([flight.result, aborted(signal)]);
    } finally {
      signal.removeEventListener('abort', leave);
      flight.listeners.delete(listener);
    }
  }

  #start(key: string, url: string, checksum: string | undefined): Flight {
    const controller = new AbortController();
    const listeners: Flight['listeners'] = new Set();
    const onProgress = (progress: Progress): void => {
      for (const listener of listeners) listener(progress);
    };
    const fetchAndMark = async (): Promise<CachedImage> => {
      const image = await this.#fetchOnce(url, { onProgress, signal: controller.signal, checksum });
      if (flight.isForDisk) this.#givenAt.set(image.sha256, Date.now());
      return image;
    };
    const flight: Flight = {
      // Not before the flight is there.
      result: Promise.resolve().then(fetchAndMark),
      controller,
      listeners,
      isForDisk: false,
    };
    this.#flights.set(key, flight);
    const land = (): void => this.#land(key, flight);
    flight.result.then(land, land); // every caller sees a failure; there may be none left
    return flight;
  }

  /** From now on, whoever asks for the URL starts anew. */
  #land(key: string, flight: Flight): void {
    if (this.#flights.get(key) === flight) this.#flights.delete(key);
  }

  async #fetchOnce(url: string, options: FetchOptions): Promise<CachedImage> {
    const { checksum } = options;
    const known = await this.#findKnown(url);
    // Its content cannot be another, so there is nothing to ask.
    if (known && checksum !== undefined && checksumDigits(checksum) === known.sentSha256) return this.#openKnown(known);
    const part = join(this.#folder, `${randomUUID()}.part`);
    try {
      const result = await this.#download(part, { url, known, options });
      if (result.outcome === 'unchanged') {
        if (!known) throw new Error('a server called a file unchanged that was not asked about');
        verifyChecksum(url, { wanted: checksum, sha256: known.sentSha256 });
        return await this.#openKnown(known);
      }
      verifyChecksum(url, { wanted: checksum, sha256: result.sha256 });
      return await this.#keep(part, { url, result, options });
    } finally {
      await rm(part, { force: true });
    }
  }

  /** A server that is away is no reason to fail while there is what it last gave. */
  async #download(
    path: string,
    { url, known, options }: { url: string; known: UrlEntry | undefined; options: FetchOptions },
  ): Promise<DownloadResult> {
    const { retry } = this.#settings;
    // Then nobody has to wait for it either.
    const attempts = known ? 1 : retry.attempts;
    try {
      return await download({
        ...this.#settings,
        ...options,
        url,
        path,
        retry: { ...retry, attempts },
        ...(known && { known }),
      });
    } catch (err) {
      if (!known || !isServerAway(err)) throw err;
      this.#log.warn({ err, url }, 'image server is away, using the cached image');
      return { outcome: 'unchanged' };
    }
  }

  async #keep(
    part: string,
    {
      url,
      result,
      options: { onProgress, signal },
    }: { url: string; result: Extract<DownloadResult, { outcome: 'downloaded' }>; options: FetchOptions },
  ): Promise<CachedImage> {
    const unpacked = join(this.#folder, `${randomUUID()}.part`);
    try {
      const { space } = this.#settings;
      const sha256 = await unpack({ url, from: part, to: unpacked, space, onProgress, signal });
      const content = sha256 === undefined ? { path: part, sha256: result.sha256 } : { path: unpacked, sha256 };
      await inspectImage(content.path, url);
      // The same content may be there already, under guests that run: it stays as it is.
      if (!(await exists(this.#path(content.sha256)))) await rename(content.path, this.#path(content.sha256));
      const entry = { url, sha256: content.sha256, sentSha256: result.sha256, ...result.validators };
      await this.#entries.write(entry);
      this.#log.info({ url, sha256: content.sha256, bytes: result.bytes }, 'image cached');
      return await this.#open(content.sha256, url);
    } finally {
      await rm(unpacked, { force: true });
    }
  }

  async #openKnown({ sha256, url }: UrlEntry): Promise<CachedImage> {
    await this.#entries.touch(url);
    return this.#open(sha256, url);
  }

  async #open(sha256: string, url: string): Promise<CachedImage> {
    const path = this.#path(sha256);
    return { path, sha256, ...(await inspectImage(path, url)) };
  }

  /** Undefined when the URL is new, or its content is not here any more. */
  async #findKnown(url: string): Promise<UrlEntry | undefined> {
    const entry = await this.#entries.find(url);
    return entry && (await exists(this.#path(entry.sha256))) ? entry : undefined;
  }

  async list(): Promise<HeldImage[]> {
    const entries = await this.#entries.list();
    const names = (await readdir(this.#folder)).filter((name) => IMAGE_NAME.test(name));
    return Promise.all(
      names.toSorted().map(async (name) => {
        const sha256 = name.slice(0, -'.img'.length);
        const path = this.#path(sha256);
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
   * Forgets an image. The caller has made sure that no disk is on it.
   *
   * @param graceMs how long ago it must have been given to someone who makes a disk on it.
   * @returns false when somebody may be about to.
   */
  async remove({ sha256, urls }: Pick<HeldImage, 'sha256' | 'urls'>, graceMs: number): Promise<boolean> {
    const givenAt = this.#givenAt.get(sha256);
    if (this.#flights.size > 0 || (givenAt !== undefined && Date.now() - givenAt < graceMs)) return false;
    // In one piece with what was just looked at: a fetch that begins now does not find it any more.
    unlinkSync(this.#path(sha256));
    this.#givenAt.delete(sha256);
    for (const url of urls) await this.#entries.remove(url);
    this.#log.info({ sha256 }, 'cached image removed');
    return true;
  }

  #path(sha256: string): string {
    return join(this.#folder, `${sha256}.img`);
  }
}

const IMAGE_NAME = /^[0-9a-f]{64}\.img$/;

const exists = async (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

const AWAY: readonly string[] = ['ECOMPUTE_IMAGE_DOWNLOAD_FAILED', 'ECOMPUTE_IMAGE_TIMED_OUT'];

const isServerAway = (thrown: unknown): boolean =>
  thrown instanceof EcomputeError && thrown.retryable && AWAY.includes(thrown.code);

const aborted = async (signal: AbortSignal): Promise<never> =>
  new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
