import { createHash } from 'node:crypto';
import { realpath, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';

/** Where the demo of a clone keeps everything. All of it is removed by `down`. */
export interface Folders {
  /** Of the clone. */
  readonly root: string;
  /** Records, configs, logs, and the data of etcd and Placement. */
  readonly dir: string;
  /** `ecompute`'s state folder: images, disks, consoles. */
  readonly hostStateDir: string;
  /** The first folder above that the guests' user may not enter, which is why `hostStateDir` is elsewhere. */
  readonly closedFolder: string | undefined;
  /** Told apart from the demos of other clones and folders. */
  readonly tag: string;
}

/** @param dir in place of `.demo` of the clone. */
export const planFolders = async (root: string, dir = join(root, '.demo')): Promise<Folders> => {
  const path = await canonical(resolve(dir));
  const tag = createHash('sha256').update(path).digest('hex').slice(0, 8);
  const closedFolder = await findClosedFolder(dirname(path));
  return {
    root,
    dir: path,
    hostStateDir: closedFolder === undefined ? join(path, 'host') : join('/var/tmp', `etcd-compute-demo-${tag}`),
    closedFolder,
    tag,
  };
};

/** With symbolic links resolved as far as there is anything: the same folder always has the same tag. */
const canonical = async (path: string): Promise<string> => {
  try {
    return await realpath(path);
  } catch {
    return path === dirname(path) ? path : join(await canonical(dirname(path)), path.slice(dirname(path).length));
  }
};

/** Guests run as a user of their own, who must be able to reach their disks. */
const findClosedFolder = async (path: string): Promise<string | undefined> => {
  const above = path === dirname(path) ? undefined : await findClosedFolder(dirname(path));
  if (above !== undefined) return above;
  const mode = await stat(path).then(
    (stats) => stats.mode,
    () => undefined, // not there yet: it will be made open
  );
  return mode === undefined || (mode & 0o001) !== 0 ? undefined : path;
};
