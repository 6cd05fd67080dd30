import { parseSeconds } from '../amounts.js';
import type { Args, OptionTable } from '../command-line.js';

export const TIMEOUT: OptionTable = {
  timeout: { value: 'SECONDS', describe: 'how long to wait; default: timeout of the config, else 600' },
};

/** Undefined: what the config says. */
export const timeoutOf = (args: Args): number | undefined => {
  const typed = args.one('timeout');
  return typed === undefined ? undefined : parseSeconds('timeout', typed);
};
