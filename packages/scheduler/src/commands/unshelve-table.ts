import type { CommandSpec } from './command-spec.js';
import { TIMEOUT, timeoutOf } from './timeout-option.js';

export const unshelve: CommandSpec = {
  summary: 'build shelved instances again, on hosts that have room',
  examples: ['eschedule unshelve web', 'eschedule unshelve web-1 web-2 --no-wait'],
  about: `Each goes to the host that it was on or to another, which fetches the copies of its disks from the host that holds them. One that
ran is started; one that was stopped stays so. When it is built, its copies are removed; with --no-wait, \`eschedule audit --fix\` does
that. One whose build failed is as safe as before, and can be unshelved again. Prints them only with -o.`,
  instances: 'many',
  options: {
    wait: { describe: 'wait until they are built (the default); --no-wait: return when they have hosts' },
    ...TIMEOUT,
  },
  plan: (args, uuidsOrNames) => {
    const timeout = timeoutOf(args);
    const isWaiting = args.isOn('wait', true);
    return async (context) => {
      const timeoutSeconds = timeout ?? context.config.timeout;
      return (await import('./unshelve.js')).unshelve(context, { uuidsOrNames, isWaiting, timeoutSeconds });
    };
  },
};
