import { instanceNameSchema } from '@etcd-compute/common/ids';
import { usageError } from '../../usage.js';
import { wishCommand } from './wish-command.js';

export const rename = wishCommand('rename', {
  summary: 'give an instance another name',
  examples: ['eschedule rename web db'],
  about:
    'The old name is free at once. The guest learns its new host name when it next starts, if it asks for it then.',
  operands: '<instance> <new name>',
  parse: (_args, [instance, name, ...more]) => {
    if (instance === undefined || name === undefined || more.length > 0)
      throw usageError('rename takes an instance and its new name', 'such as `eschedule rename web db`');
    const problem = instanceNameSchema.safeParse(name).error?.issues[0]?.message;
    if (problem !== undefined) throw usageError(`the name '${name}' is not usable: ${problem}`, 'choose another one');
    return { uuidsOrNames: [instance], args: { name } };
  },
});
