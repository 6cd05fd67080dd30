import { createHash } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runCommand } from './run-command.js';

const SCRIPT = join(import.meta.dirname, '../../../scripts/build-debian-image.sh');
const BUILD_TIMEOUT_MS = 30 * 60_000;

/**
 * The disk image of a full Debian (see scripts/build-debian-image.sh), which needs 512 MiB of memory; built when `cacheDir` does not hold
 * one of the same recipe, which takes minutes. Any number of processes may ask at once: one builds, the others wait for it.
 */
export async function buildDebianImage(cacheDir: string): Promise<string> {
  await mkdir(cacheDir, { recursive: true });
  const hash = createHash('sha256')
    .update(await readFile(SCRIPT))
    .digest('hex')
    .slice(0, 16);
  const path = join(cacheDir, `debian-${hash}.qcow2`);
  // The script names its output only when it is whole, and a kernel file lock cannot be left behind.
  const program = 'if [ ! -e "$1" ]; then "$2" "$1"; fi';
  await runCommand(['flock', `${path}.lock`, 'bash', '-c', program, 'build', path, SCRIPT], {
    timeoutMs: BUILD_TIMEOUT_MS,
  });
  return path;
}
