import { once } from 'node:events';
import { readConsole } from '../access/read-console.js';
import { createTextTamer } from '../access/tame-text.js';
import { EXIT_CODES } from '../exit-code.js';
import { findInstance } from '../instances/find-instance.js';
import type { CommandContext } from './context.js';

export interface LogsOptions {
  readonly uuidOrName: string;
  readonly isFollowing: boolean;
  readonly tail: number | undefined;
}

/** Files and programs get the bytes as they are; a terminal gets what cannot harm it. */
export const logs = async (
  { cloud, output, interruption }: CommandContext,
  { uuidOrName, isFollowing, tail }: LogsOptions,
): Promise<number> => {
  const { stdout } = process;
  const tamer = stdout.isTTY ? createTextTamer() : undefined;
  const entry = await findInstance(cloud, uuidOrName);
  try {
    await readConsole({
      cloud,
      entry,
      isFollowing,
      tail,
      write: async (bytes) => {
        if (!stdout.write(tamer ? tamer.tame(bytes) : bytes)) await once(stdout, 'drain');
      },
      note: output.note,
      signal: interruption.signal,
    });
  } finally {
    if (tamer) stdout.write(tamer.end());
  }
  return EXIT_CODES.done;
};
