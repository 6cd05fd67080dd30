import type { WishArgs } from '@etcd-compute/common/wishes/kinds';
import { EXIT_CODES } from '../exit-code.js';
import { createEventPrinter } from '../output/events.js';
import type { CommandContext } from './context.js';
import { printChanged, throwFirst } from './print-changed.js';

export interface ResizeAnywhereOptions {
  readonly uuidsOrNames: readonly string[];
  readonly args: WishArgs<'resize'>;
  readonly timeoutSeconds: number;
}

/** Silent unless a format is asked for. */
export const resizeAnywhere = async (
  { cloud, output, interruption }: CommandContext,
  { uuidsOrNames, args, timeoutSeconds }: ResizeAnywhereOptions,
): Promise<number> => {
  const print = createEventPrinter(output);
  const changed = await cloud.resize(uuidsOrNames, {
    args,
    waitMs: timeoutSeconds * 1000,
    signal: interruption.signal,
    onEvent: (event) => {
      if (event.type === 'asked')
        interruption.describe = () => 'one that is shelved by now can be unshelved: see `eschedule list`';
      print(event);
    },
  });
  await printChanged(output, changed);
  throwFirst(output, changed.errors);
  return EXIT_CODES.done;
};
