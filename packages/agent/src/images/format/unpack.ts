import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { open, rm } from 'node:fs/promises';
import { EcomputeError } from '@etcd-compute/common/errors';
import { createRate } from '../download/transfer-rate.js';
import type { Progress } from '../download/download.js';
import type { SpaceGuard } from '../download/space.js';
import { SparseFile } from '@etcd-compute/common/images/sparse-file';

/*
 * Unpacking of compressed images, by the programs made for it: they run apart from the agent, can be ended, and bound their own
 * memory. How much comes out of them is bounded here: a few KiB can be unpacked to terabytes.
 */

interface Packing {
  readonly magic: readonly number[];
  readonly argv: readonly [string, ...string[]];
  /** The Debian package of the program. */
  readonly package: string;
}

/** `xz -9` needs 65 MiB; `zstd --ultra -22` a window of 128 MiB. */
const PACKINGS: readonly Packing[] = [
  { magic: [0x1f, 0x8b], argv: ['gzip', '--decompress', '--stdout'], package: 'gzip' },
  {
    magic: [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00],
    argv: ['xz', '--format=xz', '--decompress', '--stdout', '--memlimit-decompress=256MiB'],
    package: 'xz-utils',
  },
  {
    magic: [0x28, 0xb5, 0x2f, 0xfd],
    argv: ['zstd', '--decompress', '--stdout', '--quiet', '--memory=256MB'],
    package: 'zstd',
  },
];

const findPacking = async (path: string): Promise<Packing | undefined> => {
  const file = await open(path, 'r');
  try {
    const head = Buffer.alloc(8);
    await file.read(head, 0, head.length, 0);
    return PACKINGS.find(({ magic }) => head.subarray(0, magic.length).equals(Buffer.from(magic)));
  } finally {
    await file.close();
  }
};

export interface UnpackOptions {
  /** Names the image in errors. */
  readonly url: string;
  readonly from: string;
  /** Written and synced; removed again when it fails. */
  readonly to: string;
  readonly space: SpaceGuard;
  readonly onProgress: (progress: Progress) => void;
  readonly signal: AbortSignal;
}

/**
 * Unpacks what is compressed by gzip, xz or zstd, whatever its name says.
 *
 * @returns the content's SHA-256, or undefined when the file is not compressed. @throws ECOMPUTE_IMAGE_NOT_USABLE,
 *   ECOMPUTE_IMAGE_TOO_LARGE, ECOMPUTE_IMAGE_NO_SPACE
 */
export const unpack = async (options: UnpackOptions): Promise<string | undefined> => {
  const packing = await findPacking(options.from);
  if (!packing) return undefined;
  try {
    return await run(packing, options);
  } catch (err) {
    await rm(options.to, { force: true });
    throw err;
  }
};

const run = async (packing: Packing, { url, from, to, space, onProgress, signal }: UnpackOptions): Promise<string> => {
  const [program, ...args] = packing.argv;
  const input = await open(from, 'r');
  await using output = await SparseFile.create(to);
  const child = spawn(program, args, { stdio: [input.fd, 'pipe', 'pipe'], signal, env: { PATH: '/usr/bin:/bin' } });
  const { stdout, stderr } = child;
  if (!stdout || !stderr) throw new Error(`${program} was started without pipes`);
  const ended = once(child, 'close');
  // Told below, after the output has ended; an abort ends the output too.
  ended.catch(() => undefined);
  let said = '';
  stderr.setEncoding('utf8').on('data', (text: string) => {
    said = `${said}${text}`.slice(0, 1000);
  });
  try {
    const hash = createHash('sha256');
    const rate = createRate(() => performance.now());
    const what = `could not unpack ${url}`;
    for await (const chunk of stdout) {
      const data: Buffer = chunk;
      await space.check(what, { totalBytes: output.size + data.length, moreBytes: data.length });
      hash.update(data);
      await output.append(data);
      const bytesPerSecond = rate.add(output.size) ?? null;
      onProgress({ phase: 'unpacking', bytes: output.size, totalBytes: null, bytesPerSecond });
    }
    await ended.catch((cause: unknown) => {
      signal.throwIfAborted();
      throw new EcomputeError('ECOMPUTE_IMAGE_NOT_USABLE', `${what}: ${program} did not run on this host`, {
        cause,
        retryable: true,
        hint: `install it, such as with: apt-get install ${packing.package}`,
      });
    });
    if (child.exitCode !== 0)
      throw new EcomputeError(
        'ECOMPUTE_IMAGE_NOT_USABLE',
        `${what}: ${program} says: ${said.replaceAll(/[^\x20-\x7e]+/g, ' ').trim() || `exit code ${child.exitCode}`}`,
        { hint: 'the file is damaged, or unpacking it needs more memory than allowed' },
      );
    await output.finish();
    return hash.digest('hex');
  } finally {
    child.kill('SIGKILL');
    await ended.catch(() => undefined);
    await input.close();
  }
};
