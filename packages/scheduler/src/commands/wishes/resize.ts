import { parseDiskGiB, parseMemoryMiB, parseWhole } from '../../amounts.js';
import { usageError } from '../../usage.js';
import { wishCommand } from './wish-command.js';

export const resize = wishCommand('resize', {
  summary: 'give instances other amounts of processors, memory and disk, on the same host',
  examples: [
    'eschedule resize web --vcpus 2 --restart',
    'eschedule resize web --vcpus 4 --memory 8G --restart',
    'eschedule resize web-1 web-2 --disk 20G',
  ],
  about:
    'They must be stopped, or may be restarted with --restart. A disk only grows; the guest enlarges its file systems itself. When the host has no room, nothing changes.',
  options: {
    vcpus: { value: 'N', describe: 'number of virtual CPUs' },
    memory: { value: 'SIZE', describe: '512, 512M or 2G' },
    disk: { value: 'SIZE', describe: '10 or 10G: the root disk' },
    restart: { describe: 'stop those that run, and start them again' },
  },
  parse: (args, uuidsOrNames) => {
    const [vcpus, memory, disk] = ['vcpus', 'memory', 'disk'].map((name) => args.one(name));
    if (vcpus === undefined && memory === undefined && disk === undefined)
      throw usageError('resize needs a new amount', 'give --vcpus, --memory or --disk');
    return {
      uuidsOrNames,
      args: {
        ...(vcpus !== undefined && { vcpus: parseWhole('vcpus', vcpus) }),
        ...(memory !== undefined && { memory_mib: parseMemoryMiB('memory', memory) }),
        ...(disk !== undefined && { disk_gib: parseDiskGiB('disk', disk) }),
        restart: args.isOn('restart', false),
      },
    };
  },
});
