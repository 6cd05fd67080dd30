import { WISH_KINDS, type WishArgs, type WishName } from '@etcd-compute/common/wishes/kinds';
import { EXIT_CODES } from '../exit-code.js';
import { createEventPrinter } from '../output/events.js';
import type { CommandContext } from './context.js';
import { printChanged, throwFirst } from './print-changed.js';

export interface AskOptions<Name extends WishName> {
  readonly kind: Name;
  readonly args?: WishArgs<Name>;
  readonly uuidsOrNames: readonly string[];
  /** What is printed in the end, if no format is asked for. */
  readonly says?: string;
  readonly isWaiting: boolean;
  readonly timeoutSeconds: number;
}

/** Asks something of instances, such as to stop. Silent unless a format is asked for. */
export const ask = async <Name extends WishName>(
  context: CommandContext,
  { kind, args, uuidsOrNames, says, isWaiting, timeoutSeconds }: AskOptions<Name>,
): Promise<number> => {
  const { cloud, output, interruption } = context;
  const print = createEventPrinter(output);
  let asked = 0;
  interruption.describe = () =>
    asked === 0 ? '' : `the instances will be ${WISH_KINDS[kind].participle} all the same: see \`eschedule list\``;
  const changed = await cloud.ask(kind, uuidsOrNames, {
    ...(args && { args }),
    waitMs: isWaiting ? timeoutSeconds * 1000 : undefined,
    signal: interruption.signal,
    onEvent: (event) => {
      if (event.type === 'asked') asked += 1;
      print(event);
    },
  });
  await printChanged(output, changed);
  throwFirst(output, changed.errors);
  if (says !== undefined && output.format === undefined) output.line(says);
  return EXIT_CODES.done;
};
