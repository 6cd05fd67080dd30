import { EXIT_CODES } from '../exit-code.js';
import { createEventPrinter } from '../output/events.js';
import type { CommandContext } from './context.js';
import { printChanged, throwFirst } from './print-changed.js';

export interface UnshelveOptions {
  readonly uuidsOrNames: readonly string[];
  readonly isWaiting: boolean;
  readonly timeoutSeconds: number;
}

/** Silent unless a format is asked for. */
export const unshelve = async (
  { cloud, output, interruption }: CommandContext,
  { uuidsOrNames, isWaiting, timeoutSeconds }: UnshelveOptions,
): Promise<number> => {
  const print = createEventPrinter(output);
  const changed = await cloud.unshelve(uuidsOrNames, {
    waitMs: isWaiting ? timeoutSeconds * 1000 : undefined,
    signal: interruption.signal,
    onEvent: (event) => {
      if (event.type === 'unshelving')
        interruption.describe = () => 'those that have a host are built all the same: see `eschedule list`';
      print(event);
    },
  });
  await printChanged(output, changed);
  throwFirst(output, changed.errors);
  return EXIT_CODES.done;
};
