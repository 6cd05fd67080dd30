import { usageError } from '../../usage.js';
import { parseNetwork } from './nic-options.js';
import { wishCommand } from './wish-command.js';

export const removeNic = wishCommand('remove-nic', {
  name: 'nic remove',
  summary: 'disconnect an instance from a network',
  examples: ['eschedule nic remove web storage', 'eschedule nic remove web bridge:br0'],
  about:
    'Its address there is free for others. A guest that runs has to let the interface go: one that does not, within a while (unplug of its agent), keeps it.',
  operands: '<instance> <network>',
  parse: (_args, [instance, network, ...more]) => {
    if (instance === undefined || network === undefined || more.length > 0)
      throw usageError('nic remove takes an instance and a network', 'such as `eschedule nic remove web storage`');
    return { uuidsOrNames: [instance], args: parseNetwork(network) };
  },
});
