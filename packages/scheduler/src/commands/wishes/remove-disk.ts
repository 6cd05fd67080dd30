import { removeDisk as kind } from '@etcd-compute/common/wishes/actions/remove-disk';
import { usageError } from '../../usage.js';
import { wishCommand } from './wish-command.js';

export const removeDisk = wishCommand('remove-disk', {
  name: 'disk remove',
  summary: 'remove a disk of an instance, with all that is on it',
  examples: ['eschedule disk remove web 0b9d7a43-5c0e-4b5f-8f0e-7c0a5d1e2f30', 'eschedule disk remove web 0b9d'],
  about:
    'Its data is gone for good, and nobody is asked. Unmount it in the guest first. A guest that runs has to let the disk go: one that does not, within a while (unplug of its agent), keeps it. `eschedule show` lists the disks.',
  operands: '<instance> <uuid of the disk, or its beginning>',
  parse: (_args, [instance, disk, ...more]) => {
    if (instance === undefined || disk === undefined || more.length > 0)
      throw usageError('disk remove takes an instance and the uuid of a disk', 'see `eschedule show <instance>`');
    const problem = kind.args.safeParse({ disk }).error?.issues[0]?.message;
    if (problem !== undefined)
      throw usageError(`'${disk}' is not usable: ${problem}`, 'see `eschedule show <instance>`');
    return { uuidsOrNames: [instance], args: { disk } };
  },
});
