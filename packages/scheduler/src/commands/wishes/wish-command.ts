import type { WishArgs, WishName } from '@etcd-compute/common/wishes/kinds';
import type { Args, OptionTable } from '../../command-line.js';
import type { CommandSpec } from '../command-spec.js';
import { TIMEOUT, timeoutOf } from '../timeout-option.js';

/** `name` is what people type: one word, or two as in `disk add`. */
export interface WishCommandSpec extends CommandSpec {
  readonly name: string;
}

export interface WishCommand<Name extends WishName> {
  /** Default: that of the wish. */
  readonly name?: string;
  readonly summary: string;
  readonly about: string;
  /** Default: with one instance, and with two and `--no-wait`. */
  readonly examples?: readonly string[];
  readonly options?: OptionTable;
  /** What stands for the instances in the help. */
  readonly operands?: string;
  /** Default: all operands are instances, and nothing else is said. @throws EcomputeError ECOMPUTE_USAGE */
  readonly parse?: (args: Args, operands: readonly string[]) => Parsed<Name>;
}

interface Parsed<Name extends WishName> {
  readonly uuidsOrNames: readonly string[];
  readonly args?: WishArgs<Name>;
  /** Printed when the wish is carried out, or stored with `--no-wait`, if no format is asked for. */
  readonly says?: string;
}

/** The command that asks for one kind of wish. */
export const wishCommand = <Name extends WishName>(
  kind: Name,
  {
    name = kind,
    summary,
    about,
    examples = [`eschedule ${name} web`, `eschedule ${name} web-1 web-2 --no-wait`],
    options = {},
    operands,
    parse = (_args, uuidsOrNames) => ({ uuidsOrNames }),
  }: WishCommand<Name>,
): WishCommandSpec => ({
  name,
  summary,
  examples,
  about: `${about} Prints the instances only with -o.`,
  instances: 'many',
  ...(operands !== undefined && { operands }),
  options: {
    ...options,
    wait: { describe: 'wait until it is done (the default); --no-wait: return when the request is stored' },
    ...TIMEOUT,
  },
  plan: (typed, given) => {
    const timeout = timeoutOf(typed);
    const isWaiting = typed.isOn('wait', true);
    const parsed = parse(typed, given);
    return async (context) => {
      const timeoutSeconds = timeout ?? context.config.timeout;
      return (await import('../ask.js')).ask(context, { kind, ...parsed, isWaiting, timeoutSeconds });
    };
  },
});
