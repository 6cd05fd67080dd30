import { parseDiskGiB, parseMemoryMiB, parseWhole } from '../../amounts.js';
import type { WishArgs } from '@etcd-compute/common/wishes/kinds';
import { usageError } from '../../usage.js';
import type { Args } from '../../command-line.js';
import { timeoutOf } from '../timeout-option.js';
import { wishCommand, type WishCommandSpec } from './wish-command.js';

/** @throws EcomputeError ECOMPUTE_USAGE */
const parseAmounts = (args: Args): WishArgs<'resize'> => {
  const [vcpus, memory, disk] = ['vcpus', 'memory', 'disk'].map((name) => args.one(name));
  if (vcpus === undefined && memory === undefined && disk === undefined)
    throw usageError('resize needs a new amount', 'give --vcpus, --memory or --disk');
  return {
    ...(vcpus !== undefined && { vcpus: parseWhole('vcpus', vcpus) }),
    ...(memory !== undefined && { memory_mib: parseMemoryMiB('memory', memory) }),
    ...(disk !== undefined && { disk_gib: parseDiskGiB('disk', disk) }),
    restart: args.isOn('restart', false),
  };
};

const onItsHost = wishCommand('resize', {
  summary: 'give instances other amounts of processors, memory and disk',
  examples: [
    'eschedule resize web --vcpus 2 --restart',
    'eschedule resize web --vcpus 4 --memory 8G --restart',
    'eschedule resize web-1 web-2 --disk 20G',
    'eschedule resize web --memory 64G --restart --host-change',
  ],
  about:
    'They must be stopped, or may be restarted with --restart. A disk only grows; the guest enlarges its file systems itself. When the host has no room, nothing changes; with --host-change, the instance is then shelved, and unshelved with the new amounts on a host that has room. It gets other addresses there.',
  options: {
    vcpus: { value: 'N', describe: 'number of virtual CPUs' },
    memory: { value: 'SIZE', describe: '512, 512M or 2G' },
    disk: { value: 'SIZE', describe: '10 or 10G: the root disk' },
    restart: { describe: 'stop those that run, and start them again' },
    'host-change': { describe: 'go to another host when their own has no room' },
  },
  parse: (args, uuidsOrNames) => ({ uuidsOrNames, args: parseAmounts(args) }),
});

/** With `--host-change`, it is more than a wish. */
export const resize: WishCommandSpec = {
  ...onItsHost,
  plan: (typed, uuidsOrNames) => {
    if (!typed.isOn('host-change', false)) return onItsHost.plan(typed, uuidsOrNames);
    if (!typed.isOn('wait', true))
      throw usageError('--host-change cannot go with --no-wait', 'whoever waits finds the other host');
    const timeout = timeoutOf(typed);
    const args = parseAmounts(typed);
    return async (context) => {
      const timeoutSeconds = timeout ?? context.config.timeout;
      return (await import('../resize-anywhere.js')).resizeAnywhere(context, { uuidsOrNames, args, timeoutSeconds });
    };
  },
};
