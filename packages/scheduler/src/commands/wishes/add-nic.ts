import { usageError } from '../../usage.js';
import { parseNetwork } from './nic-options.js';
import { wishCommand } from './wish-command.js';

export const addNic = wishCommand('add-nic', {
  name: 'nic add',
  summary: 'connect an instance to one more network, also while it runs',
  examples: ['eschedule nic add web --network storage', 'eschedule nic add web --network bridge:br0'],
  about:
    'The guest gets one more interface; its own system has to ask for an address there. `eschedule show` lists the interfaces.',
  operands: '<instance>',
  options: { network: { value: 'NAME', describe: 'a network of its host, or bridge:br0' } },
  parse: (args, [instance, ...more]) => {
    const network = args.one('network');
    if (instance === undefined || more.length > 0)
      throw usageError('nic add takes one instance', 'such as `eschedule nic add web --network storage`');
    if (network === undefined) throw usageError('nic add needs --network', 'such as --network storage');
    return { uuidsOrNames: [instance], args: parseNetwork(network) };
  },
});
