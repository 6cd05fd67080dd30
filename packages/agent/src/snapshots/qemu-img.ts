import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { EcomputeError } from '@etcd-compute/common/errors';
import { z } from 'zod';

const run = promisify(execFile);

const PATH = '/usr/sbin:/usr/bin:/sbin:/bin';

/**
 * `qemu-img`, which libvirt itself needs to make disks. It ends with this process: one that went on would write to a file that the next
 * agent has removed.
 *
 * @returns what it printed.
 */
const qemuImg = async (args: readonly string[], signal: AbortSignal): Promise<string> => {
  try {
    const argv = ['--pdeathsig', 'KILL', 'qemu-img', ...args];
    // The locale decides on the words of errors.
    const { stdout } = await run('setpriv', argv, { signal, env: { PATH, LC_ALL: 'C' }, killSignal: 'SIGKILL' });
    return stdout;
  } catch (cause) {
    signal.throwIfAborted();
    const said = cause instanceof Error && 'stderr' in cause ? String(cause.stderr).trim() : '';
    throw new EcomputeError('ECOMPUTE_SNAPSHOT_FAILED', `qemu-img ${args[0]} failed${said === '' ? '' : `: ${said}`}`, {
      cause,
      hint: 'see the log of ecompute on this host; qemu-img is in the package qemu-utils',
    });
  }
};

const chainSchema = z.array(z.object({ 'virtual-size': z.int().positive(), 'actual-size': z.int().nonnegative() }));

export interface DiskSize {
  /** What the guest sees. */
  readonly virtualBytes: number;
  /** What it takes of the host's disk, together with the files that it is on. */
  readonly usedBytes: number;
}

/** Also while a hypervisor uses it. */
export const measureDisk = async (
  { path, format }: { readonly path: string; readonly format: string },
  signal: AbortSignal,
): Promise<DiskSize> => {
  const text = await qemuImg(['info', '-U', '--output=json', '--backing-chain', '-f', format, path], signal);
  const chain = chainSchema.parse(JSON.parse(text));
  return {
    virtualBytes: chain[0]?.['virtual-size'] ?? 0,
    usedBytes: chain.reduce((sum, file) => sum + file['actual-size'], 0),
  };
};

/** Makes an empty qcow2 image. */
export const createEmpty = async (path: string, virtualBytes: number, signal: AbortSignal): Promise<void> => {
  await qemuImg(['create', '-q', '-f', 'qcow2', path, String(virtualBytes)], signal);
};

/** Copies a disk that nobody uses, with all that it is on, into a qcow2 image. */
export const flatten = async (
  { path, format }: { readonly path: string; readonly format: string },
  to: string,
  signal: AbortSignal,
): Promise<void> => {
  await qemuImg(['convert', '-q', '-f', format, '-O', 'qcow2', path, to], signal);
};
