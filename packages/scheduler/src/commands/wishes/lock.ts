import { lock as kind } from '@etcd-compute/common/wishes/edits/lock';
import { usageError } from '../../usage.js';
import { wishCommand } from './wish-command.js';

export const lock = wishCommand('lock', {
  summary: 'protect instances from all changes until they are unlocked',
  examples: ['eschedule lock web', "eschedule lock web-1 web-2 --reason 'holds the database'"],
  about:
    'A locked instance is neither stopped, started nor destroyed by mistake. What its guest does is up to the guest.',
  options: { reason: { value: 'TEXT', describe: 'why, for people who want to change them' } },
  parse: (args, uuidsOrNames) => {
    const reason = args.one('reason') ?? '';
    const problem = kind.args.safeParse({ reason }).error?.issues[0]?.message;
    if (problem !== undefined) throw usageError(`--reason is not usable: ${problem}`, 'say it shorter');
    return { uuidsOrNames, args: { reason } };
  },
});
