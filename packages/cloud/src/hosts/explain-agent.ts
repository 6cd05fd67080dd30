import type { DrainNotice } from '@etcd-compute/common/etcd/messages/drain';
import type { ProviderUuid } from '@etcd-compute/common/ids';
import { formatTime } from '@etcd-compute/common/format-time';
import type { Presences, SeenAgent } from './presences.js';

type Trouble = NonNullable<SeenAgent['trouble']>;

/** `12:03:11`, with the day where it is another one than today. */
const describeSince = (since: string, now: Date): string => {
  const [day = '', time = ''] = formatTime(since).split(' ');
  const isToday = formatTime(now.toISOString()).startsWith(day);
  return isToday ? time : `${day} ${time}`;
};

/** `libvirt hangs since 12:03:11` */
export const describeTrouble = ({ code, since }: Trouble, now = new Date()): string =>
  `${code.replaceAll('-', ' ')} since ${describeSince(since, now)}`;

/** `drained since 12:03:11 (new disks)`. @param state `draining` while something is still there. */
export const describeDrain = (
  { since, reason }: DrainNotice,
  { state = 'drained', now = new Date() }: { state?: string; now?: Date } = {},
): string => `${state} since ${describeSince(since, now)}${reason === null ? '' : ` (${reason})`}`;

/** Why nothing can be done on a host at the moment; undefined when it can. */
export const explainAgent = (agent: Pick<SeenAgent, 'state' | 'trouble' | 'drain'> | undefined): string | undefined => {
  if (!agent) return 'its agent is down';
  if (agent.trouble) return `${describeTrouble(agent.trouble)}: ${agent.trouble.message}`;
  if (agent.drain) return `it is ${describeDrain(agent.drain)}`;
  return agent.state === 'draining' ? 'its agent is draining' : undefined;
};

/** The same of some hosts, to end a sentence with; empty when all can work, or nobody knows. */
export const explainHosts = (hosts: Iterable<ProviderUuid>, presences: Presences | undefined): string => {
  if (!presences) return '';
  const reasons = [...new Set(hosts)].flatMap((host) => {
    const agent = presences.get(host);
    if (!agent) return [`the agent of host ${host} is down`];
    const reason = explainAgent(agent);
    return reason === undefined ? [] : [`on host ${agent.hostname}, ${reason}`];
  });
  return reasons.length === 0 ? '' : `: ${reasons.join('; ')}`;
};
