import { once } from 'node:events';
import { createTextTamer } from '../access/tame-text.js';
import { EXIT_CODES } from '../exit-code.js';
import { createEventPrinter } from '../output/events.js';
import type { CommandContext } from './context.js';

export interface LogsOptions {
  readonly uuidOrName: string;
  readonly isFollowing: boolean;
  readonly tail: number | undefined;
}

/** Files and programs get the bytes as they are; a terminal gets what cannot harm it. */
export const logs = async (
  { cloud, output, interruption: { signal } }: CommandContext,
  { uuidOrName, isFollowing, tail }: LogsOptions,
): Promise<number> => {
  const { stdout } = process;
  const tamer = stdout.isTTY ? createTextTamer() : undefined;
  try {
    await cloud.readConsole(uuidOrName, {
      isFollowing,
      tail,
      write: async (bytes) => {
        if (!stdout.write(tamer ? tamer.tame(bytes) : bytes)) await once(stdout, 'drain');
      },
      signal,
      onEvent: createEventPrinter(output),
    });
  } finally {
    if (tamer) stdout.write(tamer.end());
  }
  return EXIT_CODES.done;
};
