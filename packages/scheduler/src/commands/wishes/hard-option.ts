import type { Args, OptionTable } from '../../command-line.js';

export const HARD: OptionTable = { hard: { describe: 'power off at once, without asking the guest' } };

export const parseHard = (args: Args): { hard: boolean } => ({ hard: args.isOn('hard', false) });
