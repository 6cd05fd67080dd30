import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { access, link, mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { BlobStore, OpenBlob } from './blob-store.js';
import { receive, type Received, type ReceiveOptions } from './receive.js';
import { createSpaceGuard, type SpaceSettings } from './space.js';

/*
 * The contents of images, each in a file that is named by its sha256 and never changes:
 *
 *   <folder>/<sha256>.img             whole, and on the disk
 *   <folder>/<server>.<random>.part   what a server is receiving; or, from a server that is gone, leftovers
 *
 * Several servers of one machine may have one folder, and contents are shared by images, so an upload and a delete of the same content may
 * meet. The part stays until the record that names the content is written: who finds the content gone then puts it back. And who removes a
 * content moves it away first, looks again whether something names it, and puts it back if so.
 */

/** In it a name is the sha256. It receives for other stores too, which need a file to look at. */
export interface BlobFolder extends BlobStore {
  readonly pathOf: (sha256: string) => string;
  /** Whoever asked for it ends it with `dispose`. */
  readonly receive: (
    source: AsyncIterable<Uint8Array>,
    options: Pick<ReceiveOptions, 'announcedBytes' | 'stallMs' | 'onStall'>,
  ) => Promise<Received>;
  readonly dispose: (received: Received) => Promise<void>;
}

const BLOB = /^([0-9a-f]{64})\.img$/;
const PART = /^([0-9a-f-]{36})\.[0-9a-f-]{36}\.(?:part|gone)$/;

/** @param server whose parts are called by its id. */
export const createBlobFolder = (folder: string, server: string, settings: SpaceSettings): BlobFolder => {
  const pathOf = (sha256: string): string => join(folder, `${sha256}.img`);
  const newPath = (ending: 'part' | 'gone'): string => join(folder, `${server}.${randomUUID()}.${ending}`);
  const space = createSpaceGuard(folder, settings);
  const names = async (): Promise<readonly string[]> => readdir(folder).catch(absentAs<readonly string[]>([]));

  const removeUnless: BlobFolder['removeUnless'] = async (sha256, isWanted) => {
    if (await isWanted()) return;
    const aside = newPath('gone');
    const isAside = await rename(pathOf(sha256), aside).then(() => true, absentAs(false));
    if (!isAside) return;
    if (await isWanted()) await linkTo(aside, pathOf(sha256));
    await rm(aside, { force: true });
  };

  return {
    id: 'folder',
    pathOf,
    newName: (sha256) => sha256,
    receive: async (source, options) => {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      return receive(source, { ...options, path: newPath('part'), space });
    },
    keep: async ({ path, sha256 }) => linkTo(path, pathOf(sha256)),
    dispose: async ({ path }) => rm(path, { force: true }),
    has: async (sha256) => access(pathOf(sha256), constants.R_OK).then(() => true, absentAs(false)),
    open: async (sha256) => openBlob(pathOf(sha256)),
    list: async () => (await names()).flatMap((name) => BLOB.exec(name)?.[1] ?? []),
    removeUnless,
    removeLeftovers: async (isThere) => {
      for (const name of await names()) {
        const owner = PART.exec(name)?.[1];
        if (owner !== undefined && owner !== server && !isThere(owner)) await rm(join(folder, name), { force: true });
      }
    },
  };
};

const openBlob = async (path: string): Promise<OpenBlob | undefined> => {
  const file = await open(path, 'r').catch(absentAs(undefined));
  if (!file) return undefined;
  const { size } = await file.stat();
  let isRead = false;
  return {
    size,
    read: (range) => {
      isRead = true;
      return file.createReadStream({ ...range, highWaterMark: 256 * 1024 });
    },
    [Symbol.asyncDispose]: async () => {
      if (!isRead) await file.close();
    },
  };
};

/** The same content may be there already. */
const linkTo = async (from: string, to: string): Promise<void> => {
  try {
    await link(from, to);
  } catch (err) {
    if (codeOf(err) !== 'EEXIST') throw err;
  }
  await using folder = await open(join(to, '..'), 'r');
  await folder.sync();
};

const codeOf = (thrown: unknown): unknown => (thrown instanceof Error && 'code' in thrown ? thrown.code : undefined);

const absentAs =
  <T>(value: T): ((thrown: unknown) => T) =>
  (thrown) => {
    if (codeOf(thrown) === 'ENOENT') return value;
    throw thrown;
  };
