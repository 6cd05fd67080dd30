import { createHash } from 'node:crypto';
import { mkdir, readFile, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { runCommand } from './run-command.js';

export interface GuestImage {
  readonly path: string;
  readonly format: 'raw';
  /** Bytes that the file takes. */
  readonly sizeBytes: number;
  /** Bytes that the guest sees. */
  readonly virtualSizeBytes: number;
}

const SCRIPTS = join(import.meta.dirname, '../../../scripts');

/**
 * The tiny guest's disk (see scripts/build-guest-image.sh), which needs 128 MiB of memory, and 256 MiB with UEFI; built when `cacheDir` does
 * not hold one of the same recipe. Any number of processes may ask at once: one builds, the others wait for it.
 *
 * @param arch Debian's name; this machine's when left out.
 */
export async function buildGuestImage(cacheDir: string, arch?: 'arm64'): Promise<GuestImage> {
  await mkdir(cacheDir, { recursive: true });
  const path = join(cacheDir, `${arch === undefined ? 'guest' : `guest-${arch}`}-${await hashRecipe()}.img`);
  if (!(await exists(path))) await buildOnce(path, arch === undefined ? [] : [arch]);
  const { size } = await stat(path);
  return { path, format: 'raw', sizeBytes: size, virtualSizeBytes: size };
}

/** A kernel file lock, which a killed process cannot leave behind; the image appears under its name only when it is whole. */
async function buildOnce(path: string, options: readonly string[]): Promise<void> {
  const partial = `${path}.partial`;
  const program =
    'path=$1 partial=$2; if [ ! -e "$path" ]; then shift 2; "$1" "$partial" "${@:2}" && mv "$partial" "$path"; fi';
  const build = [path, partial, join(SCRIPTS, 'build-guest-image.sh'), ...options];
  await runCommand(['flock', `${path}.lock`, 'bash', '-c', program, 'build', ...build], { timeoutMs: 600_000 });
}

async function hashRecipe(): Promise<string> {
  const hash = createHash('sha256');
  const guestFiles = (await readdir(join(SCRIPTS, 'guest'))).toSorted();
  for (const name of ['build-guest-image.sh', ...guestFiles.map((file) => join('guest', file))]) {
    hash.update(`${name}\0`).update(await readFile(join(SCRIPTS, name)));
  }
  return hash.digest('hex').slice(0, 16);
}

async function exists(path: string): Promise<boolean> {
  return await stat(path).then(
    () => true,
    () => false,
  );
}
