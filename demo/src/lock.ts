import { link, mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { identifyProcess, isAlive } from '@etcd-compute/testing/process-identity';
import type { ProcessIdentity } from '@etcd-compute/testing/process-identity';
import type { Folders } from './folders.js';

const LOCK = 'demo.lock';

/**
 * Only one demo command works on a folder at a time. The lock names its process, so that one which was killed leaves nothing
 * that a person must remove. Makes the folder.
 *
 * @throws when another command is at work, or when the folder holds something that is not the demo's.
 */
export const lockFolder = async ({ dir }: Folders): Promise<AsyncDisposable> => {
  await mkdir(dir, { recursive: true, mode: 0o755 });
  await refuseForeignFolder(dir);
  const path = join(dir, LOCK);
  const own = `${path}.${process.pid}`;
  for (;;) {
    try {
      // A link appears with its content, so nobody ever reads half a lock.
      await writeFile(own, JSON.stringify(await identifyProcess(process.pid)));
      await link(own, path);
      await rm(own);
      return { [Symbol.asyncDispose]: () => rm(path, { force: true }) };
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
      const holder = await readHolder(path);
      if (holder !== undefined && (await isAlive(holder)))
        throw new Error(`another demo command is at work in ${dir} (pid ${holder.pid}); wait for it`, { cause: error });
      await rm(path, { force: true });
    }
  }
};

const readHolder = async (path: string): Promise<ProcessIdentity | undefined> => {
  try {
    // Written above and nowhere else.
    const holder: ProcessIdentity = JSON.parse(await readFile(path, 'utf8'));
    return holder;
  } catch {
    return undefined;
  }
};

/** `down` removes the folder with all that is in it, so it must be ours from the beginning. */
const refuseForeignFolder = async (dir: string): Promise<void> => {
  const names = await readdir(dir);
  if (names.length === 0 || names.includes('demo.json') || names.every((name) => name.startsWith('demo.'))) return;
  throw new Error(`could not use ${dir}: it holds files that are not the demo's; choose an empty folder`);
};
