import type { Args, OptionTable } from '../command-line.js';
import type { CommandContext } from './context.js';

/** What a command line asks for; checked, but nothing is opened yet. */
export type Run = (context: CommandContext) => Promise<number>;

export interface CommandSpec {
  readonly summary: string;
  readonly examples: readonly string[];
  /** More words for its help. */
  readonly about?: string;
  /** Instances that it takes, by uuid or name. */
  readonly instances: 'none' | 'one' | 'many';
  /** What it takes in place of instances, for its help; with `many`. */
  readonly operands?: string;
  /** It prints what a guest says, as it is: there is no `--output`. */
  readonly printsGuest?: true;
  readonly options: OptionTable;
  /** Checks the arguments. The command's own code is loaded only when it runs. */
  readonly plan: (args: Args, instances: readonly string[]) => Run;
}
