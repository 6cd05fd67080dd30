import { snapshotNameSchema } from '@etcd-compute/common/wishes/actions/snapshot';
import { usageError } from '../../usage.js';
import { wishCommand } from './wish-command.js';

export const snapshot = wishCommand('snapshot', {
  summary: 'make an image of an instance, to boot others from',
  examples: ['eschedule snapshot web golden', 'eschedule boot --image snapshot:golden --disk 10G'],
  about: `Copies the root disk as it is at one moment; the guest goes on. Where it runs the QEMU guest agent, its file systems are
frozen for that moment; otherwise the copy is as after a power cut. The image stays on the host, and other hosts fetch it from
there. See it with \`eschedule image list\`, remove it with \`eschedule image rm snapshot:golden\`.`,
  operands: '<instance> <name of the snapshot>',
  parse: (_args, [instance, name, ...more]) => {
    if (instance === undefined || name === undefined || more.length > 0)
      throw usageError('snapshot takes an instance and a name', 'such as `eschedule snapshot web golden`');
    const problem = snapshotNameSchema.safeParse(name).error?.issues[0]?.message;
    if (problem !== undefined) throw usageError(`the name '${name}' is not usable: ${problem}`, 'choose another one');
    return { uuidsOrNames: [instance], args: { name } };
  },
});
