import { readdir, rm, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { Logger } from '@etcd-compute/common/log';
import { isRunningHere, readBootId, type ProcessIdentity } from '../../process/process-identity.js';
import { readJsonFile } from '../../state-folder/replace-file.js';
import {
  notePath,
  noteSchema,
  PartialDownload,
  strongValidator,
  type Note,
  type PartialDownloadOptions,
} from './partial-download.js';

/** As long as an agent may reasonably be away; then an image server has probably another version. */
const KEEP_MS = 24 * 3_600_000;

interface Leftover {
  readonly path: string;
  readonly note: Note;
  readonly bytes: number;
}

/** Downloads that an agent before this one has left. Each is taken up once, by whoever asks for its URL first. */
export interface Leftovers {
  /** Undefined when there is none. */
  readonly takeUp: (options: PartialDownloadOptions & { signal: AbortSignal }) => Promise<PartialDownload | undefined>;
  /** Removes those that are too old. */
  readonly collect: (nowMs: number) => Promise<void>;
  /** Removes all, for their space. @returns whether there were any. */
  readonly removeAll: () => Promise<boolean>;
}

/** Finds what can be gone on with in a folder, and removes what else is left of downloads. */
export const openLeftovers = async (folder: string, log: Logger): Promise<Leftovers> => {
  const byUrl = new Map<string, Leftover>();
  const names = await readdir(folder);
  for (const name of names.filter((candidate) => candidate.endsWith('.part'))) {
    const path = join(folder, name);
    const leftover = await readLeftover(path);
    const other = leftover && byUrl.get(leftover.note.url);
    if (!leftover || (other && other.bytes >= leftover.bytes)) await remove(path);
    else {
      if (other) await remove(other.path);
      byUrl.set(leftover.note.url, leftover);
    }
  }
  const kept = new Set([...byUrl.values()].flatMap(({ path }) => [path, notePath(path)]));
  for (const name of names)
    if (/\.part(\.json(\.new)?)?$/.test(name) && !kept.has(join(folder, name)))
      await rm(join(folder, name), { force: true });

  const removeWhere = async (isOld: (leftover: Leftover) => Promise<boolean>): Promise<boolean> => {
    let isAny = false;
    for (const [url, leftover] of byUrl) {
      if (!(await isOld(leftover)) || !byUrl.delete(url)) continue;
      isAny = true;
      await remove(leftover.path);
      log.info({ url, bytes: leftover.bytes }, 'rest of a download removed');
    }
    return isAny;
  };
  return {
    takeUp: async (options) => {
      const leftover = byUrl.get(options.url);
      if (!leftover) return undefined;
      byUrl.delete(options.url);
      const { url, bytes } = { url: options.url, bytes: leftover.bytes };
      log.info({ url, bytes, totalBytes: leftover.note.totalBytes }, 'download taken up again');
      try {
        return await PartialDownload.takeUp(leftover, options);
      } catch (err) {
        options.signal.throwIfAborted();
        log.warn({ err, url }, 'rest of a download cannot be read, starting anew');
        await remove(leftover.path);
        return undefined;
      }
    },
    collect: async (nowMs) =>
      void (await removeWhere(async ({ path }) => {
        const stats = await stat(path).catch(() => undefined);
        return !stats || nowMs - stats.mtimeMs >= KEEP_MS;
      })),
    removeAll: async () => removeWhere(async () => true),
  };
};

const remove = async (path: string): Promise<void> => {
  await rm(notePath(path), { force: true });
  await rm(path, { force: true });
};

/** Undefined when nobody can go on with it, or somebody may be writing it still: an agent that was frozen and replaced. */
export const readLeftover = async (path: string): Promise<Leftover | undefined> => {
  const note = await readNote(notePath(path));
  const length = (await stat(path).catch(() => undefined))?.size;
  if (!note || length === undefined || strongValidator(note) === null) return undefined;
  if (note.writer !== null && (await mayBeWriting(note.writer))) return undefined;
  const isSameBoot = note.writer !== null && note.writer.boot_id === (await readBootId());
  const arrived = isSameBoot ? Math.max(length, note.syncedBytes) : note.syncedBytes;
  // At least one byte is left to be asked for: whether there is another version by now is said with the answer to that.
  const bytes = note.totalBytes === null ? arrived : Math.min(arrived, note.totalBytes - 1);
  return bytes > 0 ? { path, note, bytes } : undefined;
};

/** A file of this folder has no writer from before this machine's boot, nor one on a copy of its disk. */
const mayBeWriting = async (writer: ProcessIdentity): Promise<boolean> =>
  writer.machine !== hostname() || (await isRunningHere(writer));

const readNote = async (path: string): Promise<Note | undefined> => readJsonFile(noteSchema, path);
