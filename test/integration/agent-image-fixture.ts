import { randomBytes } from 'node:crypto';
import { readdir, readFile, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ImageCache, type Download, type FetchOptions } from '@etcd-compute/agent/images/cache/cache';
import type { CachedImage } from '@etcd-compute/agent/images/format/cached-image';
import { imagesSection, type ImagesSection } from '@etcd-compute/agent/config/images';
import { silentLogger } from '@etcd-compute/common/log';
import { startImageServer, type ImageServer } from '@etcd-compute/testing/image-server';
import { makeTempDir } from '@etcd-compute/testing/temp-dir';
import { rawImage } from './agent-world.js';

/** The cache of images over a real HTTP server, which may hang, cut, change or go away. */
export interface ImageFixture extends AsyncDisposable {
  readonly server: ImageServer;
  readonly cache: ImageCache;
  readonly folder: string;
  readonly url: string;
  fetch(url?: string, options?: Partial<FetchOptions>): Promise<CachedImage>;
  /** Told of every download that moves, of all caches on the folder. */
  onProgress: (download: Download) => void;
  /** Replaces the content behind `image`. */
  write(content: Buffer): Promise<void>;
  /** A second cache on the same folder, as after a restart. */
  reopen(stallMs?: number, settings?: Partial<ImagesSection>): Promise<ImageCache>;
  /** Names of the cached contents and of what is left of downloads. */
  files(): Promise<string[]>;
}

export const SIZE = 600_000;

/** Far longer than this server needs. */
const STALL_MS = 10_000;
export const SHORT_STALL_MS = 200;

export const RETRY = { attempts: 3, minMs: 1, maxMs: 2 };

export const startImageFixture = async (): Promise<ImageFixture> => {
  const dir = await makeTempDir('image-cache');
  const source = join(dir.path, 'source');
  await writeFile(source, rawImage(SIZE));
  const server = await startImageServer({ image: source, 'other/image': source });
  const folder = join(dir.path, 'images');
  const defaults = imagesSection.parse({ allow_private: ['127.0.0.1'] });
  const open = async (stallMs = STALL_MS, settings: Partial<ImagesSection> = {}): Promise<ImageCache> =>
    ImageCache.open(folder, {
      settings: { ...defaults, ...settings },
      stallMs,
      retry: RETRY,
      onDownloads: (downloads) => {
        for (const one of downloads) fixture.onProgress(one);
      },
      log: silentLogger(),
    });
  const cache = await open();
  const url = server.url('image');
  let version = 0;
  const fixture: ImageFixture = {
    server,
    onProgress: () => undefined,
    cache,
    folder,
    url,
    fetch: async (from = url, options = {}) => cache.fetch(from, { ...unaborted(), ...options }),
    write: async (content) => {
      await writeFile(source, content);
      version += 1;
      await utimes(source, version, version); // a change of its own, however fast the test is
    },
    reopen: open,
    files: async () => (await readdir(folder)).filter((name) => name !== 'urls').toSorted(),
    [Symbol.asyncDispose]: async () => {
      await server.stop();
      await dir[Symbol.asyncDispose]();
    },
  };
  return fixture;
};

export const unaborted = (): FetchOptions => ({ signal: new AbortController().signal });

/** Whether a file is that image; `toEqual` takes seconds for so many bytes. */
export const holds = async (path: string, content: Buffer): Promise<boolean> => (await readFile(path)).equals(content);

/** A disk of which no two blocks are alike. */
export const randomImage = (sizeBytes: number): Buffer => {
  const image = randomBytes(sizeBytes);
  image.set([0x55, 0xaa], 510);
  return image;
};

export const statuses = (server: ImageServer): number[] => server.requests.map(({ status }) => status);
