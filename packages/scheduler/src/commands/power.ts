import { EXIT_CODES } from '../exit-code.js';
import { createEventPrinter } from '../output/events.js';
import type { CommandContext } from './context.js';
import { printChanged, throwFirst } from './print-changed.js';

export interface PowerOptions {
  readonly verb: 'start' | 'stop' | 'reboot';
  readonly uuidsOrNames: readonly string[];
  readonly isHard: boolean;
  readonly isWaiting: boolean;
  readonly timeoutSeconds: number;
}

const DONE: Readonly<Record<PowerOptions['verb'], string>> = { start: 'running', stop: 'stopped', reboot: 'rebooted' };

/** `start`, `stop` and `reboot`. Silent unless a format is asked for. */
export const power = async (context: CommandContext, options: PowerOptions): Promise<number> => {
  const { cloud, output, interruption } = context;
  const { verb, uuidsOrNames, isHard, isWaiting, timeoutSeconds } = options;
  const print = createEventPrinter(output);
  let asked = 0;
  interruption.describe = () =>
    asked === 0 ? '' : `the instances will be ${DONE[verb]} all the same: see \`eschedule list\``;
  const changed = await cloud[verb](uuidsOrNames, {
    isHard,
    waitMs: isWaiting ? timeoutSeconds * 1000 : undefined,
    signal: interruption.signal,
    onEvent: (event) => {
      if (event.type === 'power-asked') asked += 1;
      print(event);
    },
  });
  await printChanged(output, changed);
  throwFirst(output, changed.errors);
  return EXIT_CODES.done;
};
