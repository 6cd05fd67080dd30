import { execFile } from 'node:child_process';
import { withResolvers } from '@etcd-compute/common/async/deadline';

const TIMEOUT_MS = 10_000;
const MAX_OUTPUT_BYTES = 64 * 1024 * 1024;

/** Where the programs of administrators are, whatever this process's own PATH is. */
const ENV = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' };

/**
 * Runs a program of the host to its end, in the network namespace of this process.
 *
 * @returns what it wrote.
 * @throws the error of `execFile`; its `stderr` has what the program said, and its `code` is `ENOENT` when it is not installed.
 */
export const runHostCommand = async (
  [file = '', ...args]: readonly string[],
  { input = '' }: { readonly input?: string } = {},
): Promise<string> => {
  const { promise, resolve, reject } = withResolvers<string>();
  const options = { timeout: TIMEOUT_MS, maxBuffer: MAX_OUTPUT_BYTES, env: ENV };
  const child = execFile(file, args, options, (error, stdout, stderr) => {
    if (error) reject(Object.assign(error, { stderr }));
    else resolve(stdout);
  });
  // A program that ends before it has read its input is judged by how it ended.
  child.stdin?.on('error', () => undefined);
  child.stdin?.end(input);
  return promise;
};
