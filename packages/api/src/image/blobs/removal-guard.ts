import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from '@etcd-compute/common/log';

export interface RemovalGuardOptions {
  /** Of the folder with contents. */
  readonly folder: string;
  /** Whose contents are here. */
  readonly cloud: string;
  /** Which cloud etcd tells of now; undefined: of none any more. */
  readonly readCloud: () => Promise<string | undefined>;
  readonly log: Logger;
}

/** In the folder: the cloud whose contents are in it. */
const MARK = '.cloud';

/**
 * Whether contents that no record names may go. They may not while etcd is another one than they were written with, or was emptied: then all
 * are without a record, and a restored backup brings the records back.
 */
export const openRemovalGuard = async ({
  folder,
  cloud,
  readCloud,
  log,
}: RemovalGuardOptions): Promise<() => Promise<boolean>> => {
  const mark = join(folder, MARK);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await writeFile(mark, `${cloud}\n`, { flag: 'wx', mode: 0o600 }).catch((err: unknown) => {
    if (!(err instanceof Error && 'code' in err && err.code === 'EEXIST')) throw err;
  });
  const marked = (await readFile(mark, 'utf8')).trim();
  let wasOurs = true;
  return async () => {
    const isOurs = marked === cloud && (await readCloud()) === cloud;
    if (!isOurs && wasOurs)
      log.error(
        { folder, mark, cloud },
        'etcd is not the one that these images were written with, or was emptied: no image is removed. Restore etcd and start eapi again; or, when the old images are not wanted, remove the mark first',
      );
    wasOurs = isOurs;
    return isOurs;
  };
};
