import { constants } from 'node:fs';
import { open, stat, type FileHandle } from 'node:fs/promises';
import type { BigIntStats } from 'node:fs';
import { EcomputeError } from '@etcd-compute/common/errors';
import type { InstanceUuid } from '@etcd-compute/common/ids';
import { isMissingFile } from '../state-folder/instance-files.js';
import { consoleLog, listConsoleFiles } from './console-logs.js';

/** One file of a console log, held open: it stays the same file when it is moved aside or removed. */
export interface ConsoleFile {
  /** Goes with the file when it gets another name, and is not given to another file of the same inode. */
  readonly id: string;
  /** When it was opened. */
  readonly sizeBytes: number;
  readonly handle: FileHandle;
}

const idOf = ({ ino, birthtimeNs }: BigIntStats): string => `${ino.toString(16)}-${birthtimeNs.toString(16)}`;

/** The id of the file that the hypervisor writes to now; undefined when there is none. */
export const findCurrentId = async (folder: string, instance: InstanceUuid): Promise<string | undefined> => {
  try {
    return idOf(await stat(consoleLog(folder, instance), { bigint: true }));
  } catch (err) {
    if (isMissingFile(err)) return undefined;
    throw err;
  }
};

const openOne = async (path: string): Promise<ConsoleFile | undefined> => {
  try {
    // The hypervisor's user may write there: whatever it puts in the file's place, nothing else is read and nothing waits.
    const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const stats = await handle.stat({ bigint: true });
    if (stats.isFile()) return { id: idOf(stats), sizeBytes: Number(stats.size), handle };
    await handle.close();
    return undefined;
  } catch (cause) {
    if (isMissingFile(cause)) return undefined;
    throw new EcomputeError('ECOMPUTE_CONSOLE_UNREADABLE', `could not read the console log ${path}`, {
      cause,
      hint: 'the hypervisor keeps it as another user: run ecompute as root',
    });
  }
};

const closeAll = async (files: readonly ConsoleFile[]): Promise<void> => {
  for (const { handle } of files) await handle.close();
};

/** Files may be moved on while they are opened one after the other; as often as this in a row is no coincidence. */
const MAX_TRIES = 10;

/**
 * Opens all files of a log, the oldest first, each once, for as long as `use` takes; those that it returns stay open, and are
 * then its caller's to close.
 */
export const withConsoleFiles = async <T extends { readonly keep?: ConsoleFile | undefined }>(
  { folder, instance }: { folder: string; instance: InstanceUuid },
  use: (files: readonly ConsoleFile[]) => Promise<T>,
): Promise<T> => {
  const files = await openAll(folder, instance);
  let kept: ConsoleFile | undefined;
  try {
    const result = await use(files);
    kept = result.keep;
    return result;
  } finally {
    await closeAll(files.filter((file) => file !== kept));
  }
};

const openAll = async (folder: string, instance: InstanceUuid): Promise<ConsoleFile[]> => {
  for (let attempt = 1; ; attempt += 1) {
    const paths = await listConsoleFiles(folder, instance);
    const files: ConsoleFile[] = [];
    try {
      for (const path of paths) {
        const file = await openOne(path);
        if (file) files.push(file);
      }
    } catch (err) {
      await closeAll(files);
      throw err;
    }
    const isMoving = new Set(files.map(({ id }) => id)).size < paths.length;
    if (!isMoving || attempt === MAX_TRIES) return files;
    await closeAll(files);
  }
};
