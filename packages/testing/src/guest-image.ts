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

/** The arguments that the script takes for them. */
const VARIANTS = {
  arm64: (output: string) => [output, 'arm64'],
  ssh: (output: string) => ['--ssh', output],
} as const;

const SCRIPTS = join(import.meta.dirname, '../../../scripts');

/**
 * The tiny guest's disk (see scripts/build-guest-image.sh), which needs 128 MiB of memory, and 256 MiB with UEFI; built when `cacheDir` does
 * not hold one of the same recipe. Any number of processes may ask at once: one builds, the others wait for it.
 *
 * @param variant `arm64`: for that machine and not for this one. `ssh`: it reads its config drive, and lets in by ssh who has a key of it.
 */
export async function buildGuestImage(cacheDir: string, variant?: keyof typeof VARIANTS): Promise<GuestImage> {
  await mkdir(cacheDir, { recursive: true });
  const path = join(cacheDir, `${variant === undefined ? 'guest' : `guest-${variant}`}-${await hashRecipe()}.img`);
  if (!(await exists(path))) await buildOnce(path, variant === undefined ? (output) => [output] : VARIANTS[variant]);
  const { size } = await stat(path);
  return { path, format: 'raw', sizeBytes: size, virtualSizeBytes: size };
}

/** A kernel file lock, which a killed process cannot leave behind; the image appears under its name only when it is whole. */
async function buildOnce(path: string, argumentsFor: (output: string) => readonly string[]): Promise<void> {
  const partial = `${path}.partial`;
  const program = 'path=$1 partial=$2; if [ ! -e "$path" ]; then shift 2; "$@" && mv "$partial" "$path"; fi';
  const build = [path, partial, join(SCRIPTS, 'build-guest-image.sh'), ...argumentsFor(partial)];
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
