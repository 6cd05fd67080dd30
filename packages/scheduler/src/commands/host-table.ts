import { drainReasonSchema } from '@etcd-compute/common/etcd/messages/drain';
import type { Args } from '../command-line.js';
import { closestWord, usageError } from '../usage.js';
import type { CommandSpec } from './command-spec.js';
import { TIMEOUT, timeoutOf } from './timeout-option.js';

const VERBS = ['drain', 'undrain', 'remove'] as const;
type Verb = (typeof VERBS)[number];
const HINT = 'see `eschedule host --help`';

/** The words after `host`. @throws EcomputeError ECOMPUTE_USAGE */
const parseWords = ([word = '', uuidOrName, ...more]: readonly string[]): { verb: Verb; uuidOrName: string } => {
  const verb = VERBS.find((known) => known === word);
  if (verb === undefined) {
    const near = closestWord(word, VERBS);
    throw usageError(`host does not know '${word}'`, near === undefined ? HINT : `did you mean \`host ${near}\`?`);
  }
  if (uuidOrName === undefined) throw usageError(`host ${verb} needs a host, by uuid or name`, HINT);
  if (more.length > 0) throw usageError(`host ${verb} does not take '${more.join(' ')}'`, HINT);
  return { verb, uuidOrName };
};

const reasonOf = (args: Args): string | undefined => {
  const typed = args.one('reason');
  if (typed === undefined) return undefined;
  const { data, error } = drainReasonSchema.safeParse(typed);
  if (data === undefined)
    throw usageError(`--reason ${JSON.stringify(typed)} is not usable`, error?.issues[0]?.message ?? HINT);
  return data;
};

export const host: CommandSpec = {
  summary: 'keep new instances off a host, or remove the host',
  examples: [
    "eschedule host drain compute-1 --wait --reason 'new disks'",
    'eschedule host undrain compute-1',
    'eschedule host remove compute-1',
  ],
  about: `drain keeps new instances from a host, also over restarts of its agent, and prints what stays there and why. With --wait it
returns when the agent heeds the drain, nothing is being built or destroyed there any more, and instances that are stopped have
been moved: each is shelved, and unshelved on another host that has room. Those that run go on. When instances are left then, the
exit code is 1. undrain lets new instances come again. remove forgets a host: its resource provider in Placement and all its
keys in etcd. It refuses while the agent is up or anything is there, and may be repeated after a failure.`,
  instances: 'many',
  operands: 'drain <host> | undrain <host> | remove <host>',
  options: {
    wait: { describe: 'with drain: wait until nothing new can come, and move instances that are stopped' },
    move: { describe: 'with drain --wait: move instances that are stopped (the default); --no-move: leave them there' },
    reason: { value: 'TEXT', describe: 'with drain: why, for everybody who looks at the hosts' },
    force: {
      describe:
        'with remove: the host will not come back; forget also what `destroy --force` gave up there, and what its agent reported as left',
    },
    ...TIMEOUT,
  },
  plan: (args, given) => {
    const { verb, uuidOrName } = parseWords(given);
    const reason = reasonOf(args);
    const timeout = timeoutOf(args);
    const isWaiting = args.isOn('wait', false);
    const isMoving = args.isOn('move', true);
    const isForced = args.isOn('force', false);
    const isDrain = verb === 'drain';
    if (!isDrain && (isWaiting || reason !== undefined || timeout !== undefined))
      throw usageError(`--wait, --reason and --timeout go with host drain, not with host ${verb}`, HINT);
    if (!isMoving && !(isDrain && isWaiting)) throw usageError('--no-move goes with host drain --wait', HINT);
    if (isForced && verb !== 'remove') throw usageError(`--force goes with host remove, not with host ${verb}`, HINT);
    return async (context) => {
      const commands = await import('./host.js');
      if (verb === 'undrain') return commands.undrainHost(context, { uuidOrName });
      if (verb === 'remove') return commands.removeHost(context, { uuidOrName, isForced });
      const timeoutSeconds = timeout ?? context.config.timeout;
      return commands.drainHost(context, { uuidOrName, reason, isWaiting, isMoving, timeoutSeconds });
    };
  },
};
