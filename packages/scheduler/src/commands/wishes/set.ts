import { usageError } from '../../usage.js';
import { parseMeta } from '../../guest/meta.js';
import { wishCommand } from './wish-command.js';

export const set = wishCommand('set', {
  summary: 'change the metadata of instances',
  examples: ['eschedule set web --meta role=db', 'eschedule set web-1 web-2 --meta stage=live --remove-meta role'],
  about: 'A guest that asks the metadata server is told at once; a config drive has it after the next start.',
  options: {
    meta: { value: 'KEY=VALUE', isMany: true, describe: 'set one; others stay; may be repeated' },
    'remove-meta': { value: 'KEY', isMany: true, describe: 'remove one; may be repeated' },
  },
  parse: (args, uuidsOrNames) => {
    const removed = args.many('remove-meta');
    const added = parseMeta(args.many('meta'));
    const both = removed.find((key) => Object.hasOwn(added, key));
    if (both !== undefined) throw usageError(`'${both}' is both set and removed`, 'give one of the two');
    if (removed.length === 0 && Object.keys(added).length === 0)
      throw usageError('set needs something to change', 'such as --meta role=db');
    return { uuidsOrNames, args: { meta: { ...added, ...Object.fromEntries(removed.map((key) => [key, null])) } } };
  },
});
