import { newDiskUuid } from '@etcd-compute/common/ids';
import { parseDiskGiB } from '../../amounts.js';
import { usageError } from '../../usage.js';
import { wishCommand } from './wish-command.js';

export const addDisk = wishCommand('add-disk', {
  name: 'disk add',
  summary: 'give an instance one more disk, also while it runs',
  examples: ['eschedule disk add web --size 10G'],
  about:
    'The disk is empty. In a Linux guest it is /dev/disk/by-id/virtio-..., with the first 20 characters of its uuid. Prints the uuid.',
  operands: '<instance>',
  options: { size: { value: 'SIZE', describe: '10 or 10G' } },
  parse: (args, [instance, ...more]) => {
    const size = args.one('size');
    if (instance === undefined || more.length > 0)
      throw usageError('disk add takes one instance', 'such as `eschedule disk add web --size 10G`');
    if (size === undefined) throw usageError('disk add needs --size', 'such as --size 10G');
    const disk = newDiskUuid();
    return { uuidsOrNames: [instance], args: { disk, size_gib: parseDiskGiB('size', size) }, says: disk };
  },
});
