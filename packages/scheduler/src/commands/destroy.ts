import { EXIT_CODES } from '../exit-code.js';
import { createEventPrinter } from '../output/events.js';
import type { CommandContext } from './context.js';
import { printChanged, throwFirst } from './print-changed.js';

export interface DestroyOptions {
  readonly uuidsOrNames: readonly string[];
  readonly isWaiting: boolean;
  /** Do not wait for hosts that are down. */
  readonly isForced: boolean;
  readonly timeoutSeconds: number;
}

export const destroy = async (context: CommandContext, options: DestroyOptions): Promise<number> => {
  const { cloud, output, interruption } = context;
  const { uuidsOrNames, isForced, isWaiting, timeoutSeconds } = options;
  const print = createEventPrinter(output);
  let asked = 0;
  interruption.describe = () =>
    asked === 0 ? '' : 'the instances are being destroyed all the same: see `eschedule list --all`';
  const changed = await cloud.destroy(uuidsOrNames, {
    isForced,
    waitMs: isWaiting ? timeoutSeconds * 1000 : undefined,
    signal: interruption.signal,
    onEvent: (event) => {
      if (event.type === 'destroy-asked' || event.type === 'given-up') asked += 1;
      print(event);
    },
  });
  await printChanged(output, changed);
  throwFirst(output, changed.errors);
  return EXIT_CODES.done;
};
