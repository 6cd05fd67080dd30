import { access, readdir } from 'node:fs/promises';
import { instanceUuidSchema, type InstanceUuid } from '@etcd-compute/common/ids';

/* Folders of ours with files that are named by instances. */

/** Whether something failed because there is no such file or folder. */
export const isMissingFile = (err: unknown): boolean => err instanceof Error && 'code' in err && err.code === 'ENOENT';

/** Whether there is a file of this name. */
export const isFile = async (path: string): Promise<boolean> => {
  try {
    await access(path);
    return true;
  } catch (err) {
    if (isMissingFile(err)) return false;
    throw err;
  }
};

/** The names in a folder; none when somebody has removed it. */
export const listFolder = async (folder: string): Promise<string[]> => {
  try {
    return await readdir(folder);
  } catch (err) {
    if (isMissingFile(err)) return [];
    throw err;
  }
};

/**
 * The instance of a file of ours; undefined for other files, and for a uuid in another spelling than ours.
 *
 * @param pattern whose first group is the instance's uuid.
 */
export const instanceOfFile = (name: string, pattern: RegExp): InstanceUuid | undefined => {
  const [, text] = pattern.exec(name) ?? [];
  const instance = instanceUuidSchema.safeParse(text).data;
  return instance === text ? instance : undefined;
};
