import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readFile, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { EcomputeError } from '@etcd-compute/common/errors';
import type { Logger } from '@etcd-compute/common/log';
import { z } from 'zod';
import { checkImageUrl, download, type DownloadResult, type Progress } from './download.js';
import { inspectImage, type ImageInfo } from './inspect.js';

/**
 * Downloaded images. An image is its content: the file is named by its SHA-256, so two URLs with the same basename are two
 * images, and a URL whose content changes becomes another image, never another content under a guest that runs.
 *
 *   <folder>/<sha256>.img         the content
 *   <folder>/urls/<sha256>.json   what a URL (named by its own SHA-256) last gave
 *   <folder>/<random>.part        a download in hand; a crash leaves it, the next start removes it
 */
export interface CachedImage extends ImageInfo {
  readonly path: string;
  readonly sha256: string;
}

const urlEntrySchema = z.object({
  url: z.string(),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  etag: z.string().nullable(),
  lastModified: z.string().nullable(),
});
type UrlEntry = z.output<typeof urlEntrySchema>;

interface Flight {
  readonly result: Promise<CachedImage>;
  readonly controller: AbortController;
  readonly listeners: Set<(progress: Progress) => void>;
}

export interface FetchOptions {
  readonly onProgress: (progress: Progress) => void;
  readonly signal: AbortSignal;
}

export class ImageCache {
  readonly #folder: string;
  readonly #stallMs: number;
  readonly #log: Logger;
  readonly #flights = new Map<string, Flight>();

  private constructor(folder: string, stallMs: number, log: Logger) {
    this.#folder = folder;
    this.#stallMs = stallMs;
    this.#log = log;
  }

  static async open(folder: string, { stallMs, log }: { stallMs: number; log: Logger }): Promise<ImageCache> {
    await mkdir(join(folder, 'urls'), { recursive: true, mode: 0o755 });
    for (const name of await readdir(folder)) if (name.endsWith('.part')) await rm(join(folder, name), { force: true });
    return new ImageCache(folder, stallMs, log);
  }

  /**
   * The image that a URL gives now, downloaded when the cache does not have it. Any number of callers share one download; it
   * stops when the last of them has gone.
   *
   * @throws EcomputeError ECOMPUTE_IMAGE_*; the signal's reason on abort.
   */
  async fetch(text: string, { onProgress, signal }: FetchOptions): Promise<CachedImage> {
    const url = checkImageUrl(text);
    signal.throwIfAborted();
    const flight = this.#flights.get(url) ?? this.#start(url);
    // One of its own for each caller: two may pass the same function.
    const listener = (progress: Progress): void => onProgress(progress);
    flight.listeners.add(listener);
    const leave = (): void => {
      flight.listeners.delete(listener);
      if (flight.listeners.size > 0) return;
      flight.controller.abort();
      this.#land(url, flight);
    };
    signal.addEventListener('abort', leave, { once: true });
    try {
      return await Promise.race([flight.result, aborted(signal)]);
    } finally {
      signal.removeEventListener('abort', leave);
      flight.listeners.delete(listener);
    }
  }

  #start(url: string): Flight {
    const controller = new AbortController();
    const listeners: Flight['listeners'] = new Set();
    const onProgress = (progress: Progress): void => {
      for (const listener of listeners) listener(progress);
    };
    const flight: Flight = {
      result: this.#fetchOnce(url, { onProgress, signal: controller.signal }),
      controller,
      listeners,
    };
    this.#flights.set(url, flight);
    const land = (): void => this.#land(url, flight);
    flight.result.then(land, land); // every caller sees a failure; there may be none left
    return flight;
  }

  /** From now on, whoever asks for the URL starts anew. */
  #land(url: string, flight: Flight): void {
    if (this.#flights.get(url) === flight) this.#flights.delete(url);
  }

  async #fetchOnce(url: string, options: FetchOptions): Promise<CachedImage> {
    const known = await this.#readEntry(url);
    const part = join(this.#folder, `${randomUUID()}.part`);
    let result: DownloadResult;
    try {
      result = await download({ url, path: part, stallMs: this.#stallMs, ...options, ...(known && { known }) });
    } catch (err) {
      if (!known || !isServerAway(err)) throw err;
      this.#log.warn({ err, url }, 'image server is away, using the cached image');
      return this.#open(known.sha256, url);
    }
    if (result.outcome === 'unchanged' && known) return this.#open(known.sha256, url);
    if (result.outcome === 'unchanged') throw new Error('a server called a file unchanged that was not asked about');
    try {
      await inspectImage(part, url);
      // The same content may be there already, under guests that run: it stays as it is.
      const isThere = await stat(this.#path(result.sha256)).then(
        () => true,
        () => false,
      );
      if (!isThere) await rename(part, this.#path(result.sha256));
    } finally {
      await rm(part, { force: true });
    }
    await this.#writeEntry({ url, sha256: result.sha256, ...result.validators });
    this.#log.info({ url, sha256: result.sha256, bytes: result.bytes }, 'image cached');
    return this.#open(result.sha256, url);
  }

  async #open(sha256: string, url: string): Promise<CachedImage> {
    const path = this.#path(sha256);
    return { path, sha256, ...(await inspectImage(path, url)) };
  }

  /** Undefined when the URL is new, or its content is not here any more. */
  async #readEntry(url: string): Promise<UrlEntry | undefined> {
    try {
      const entry = urlEntrySchema.parse(JSON.parse(await readFile(this.#entryPath(url), 'utf8')));
      await stat(this.#path(entry.sha256));
      return entry.url === url ? entry : undefined;
    } catch {
      return undefined; // whatever is wrong with an entry, downloading again mends it
    }
  }

  async #writeEntry(entry: UrlEntry): Promise<void> {
    const path = this.#entryPath(entry.url);
    const temporary = `${path}.${randomUUID()}`;
    await writeFile(temporary, `${JSON.stringify(entry)}\n`, { flush: true });
    await rename(temporary, path);
  }

  #path(sha256: string): string {
    return join(this.#folder, `${sha256}.img`);
  }

  #entryPath(url: string): string {
    return join(this.#folder, 'urls', `${createHash('sha256').update(url).digest('hex')}.json`);
  }
}

const isServerAway = (thrown: unknown): boolean =>
  thrown instanceof EcomputeError && thrown.retryable && thrown.code !== 'ECOMPUTE_IMAGE_NOT_USABLE';

const aborted = async (signal: AbortSignal): Promise<never> =>
  new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
