import type { WishArgs, WishName } from '@etcd-compute/common/wishes/kinds';
import type { Args, OptionTable } from '../../command-line.js';
import type { CommandSpec } from '../command-spec.js';
import { TIMEOUT, timeoutOf } from '../timeout-option.js';

export interface WishCommand<Name extends WishName> {
  readonly summary: string;
  readonly about: string;
  readonly options?: OptionTable;
  readonly parse: (args: Args) => WishArgs<Name>;
}

/** The command that asks for one kind of wish, and has its name. */
export const wishCommand = <Name extends WishName>(
  kind: Name,
  { summary, about, options = {}, parse }: WishCommand<Name>,
): CommandSpec => ({
  summary,
  examples: [`eschedule ${kind} web`, `eschedule ${kind} web-1 web-2 --no-wait`],
  about: `${about} Prints them only with -o.`,
  instances: 'many',
  options: {
    ...options,
    wait: { describe: 'wait until it is done, which is the default; --no-wait: return when the wish is written' },
    ...TIMEOUT,
  },
  plan: (typed, uuidsOrNames) => {
    const timeout = timeoutOf(typed);
    const isWaiting = typed.isOn('wait', true);
    const args = parse(typed);
    return async (context) => {
      const timeoutSeconds = timeout ?? context.config.timeout;
      return (await import('../ask.js')).ask(context, { kind, args, uuidsOrNames, isWaiting, timeoutSeconds });
    };
  },
});
