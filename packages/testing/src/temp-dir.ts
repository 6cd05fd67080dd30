import { chmod, cp, lstat, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';

export interface TempDir extends AsyncDisposable {
  readonly path: string;
  /** Disposing will leave the folder where it is. */
  keep(): void;
}

/**
 * A new folder under the system's temporary folder, removed when disposed.
 *
 * Its mode is 0755, not mkdtemp's 0700: guests run as another user, and must be able to reach their disks in it.
 * With ETCD_COMPUTE_TEST_LOGS set to a folder, all `*.log` files are copied there before the removal, so that a failed
 * run can be read afterwards.
 */
export async function makeTempDir(prefix: string): Promise<TempDir> {
  const path = await mkdtemp(join(tmpdir(), `${prefix}-`));
  await chmod(path, 0o755);
  let isKept = false;
  return {
    path,
    keep: () => {
      isKept = true;
    },
    [Symbol.asyncDispose]: async () => {
      await saveLogs(path);
      if (!isKept) await rm(path, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}

async function saveLogs(path: string): Promise<void> {
  const logFolder = process.env['ETCD_COMPUTE_TEST_LOGS'];
  if (!logFolder) return;
  const isFolderOrLog = async (source: string): Promise<boolean> => {
    const stats = await lstat(source).catch(() => undefined);
    return stats?.isDirectory() === true || (stats?.isFile() === true && source.endsWith('.log'));
  };
  // A log that cannot be copied must not hide the result of the test.
  await cp(path, join(logFolder, basename(path)), { recursive: true, filter: isFolderOrLog }).catch(() => undefined);
}
