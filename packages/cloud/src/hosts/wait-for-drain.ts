import { EcomputeError } from '@etcd-compute/common/errors';
import type { InstanceState } from '@etcd-compute/common/etcd/messages/instance-record';
import { instanceUuidSchema } from '@etcd-compute/common/ids';
import type { InstanceView } from '../instances/view.js';
import type { Services } from '../services.js';
import { waitUntil } from '../wait-until.js';
import { describeHost, type FoundHost } from './find-host.js';
import { listInstancesOn } from './host-contents.js';
import { readPresences } from './presences.js';

/** These come to an end by themselves while the agent is there. */
const PASSING: readonly InstanceState[] = ['scheduled', 'building', 'deleting'];

export interface WaitForDrainOptions {
  readonly found: FoundHost;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/**
 * Waits until the agent heeds the drain and nothing on the host is on its way. On a host that is down nothing moves, and nothing new comes.
 *
 * @returns what stays. @throws EcomputeError ECOMPUTE_TIMED_OUT, ECOMPUTE_HOST_NOT_DRAINING when somebody ends the drain.
 */
export const waitForDrain = async (
  services: Services,
  { found, timeoutMs, signal }: WaitForDrainOptions,
): Promise<readonly InstanceView[]> => {
  const { host } = found;
  const { keys } = services;
  const store = await services.store();
  let there: readonly InstanceView[] = [];
  let isHeeded = false;
  const passing = (): readonly InstanceView[] => there.filter(({ state }) => PASSING.includes(state));
  const ended = await waitUntil({
    store,
    keys: () => [
      keys.drain(host),
      keys.agent(host),
      ...passing().map(({ instance }) => keys.report(host, instanceUuidSchema.parse(instance))),
    ],
    timeoutMs,
    signal,
    check: async () => {
      if (!(await store.get(keys.drain(host)))) throw undrained(found);
      const presence = (await readPresences(services, [host])).get(host);
      isHeeded = !presence || Boolean(presence.drain);
      there = await listInstancesOn(services, found);
      return !presence || (isHeeded && passing().length === 0);
    },
  });
  if (ended === 'done') return there;
  const late = passing().map(({ instance, name, state }) => `${name ?? instance} (${state})`);
  const why = isHeeded ? `still on their way: ${late.join(', ')}` : 'its agent has not heeded it';
  throw new EcomputeError(
    'ECOMPUTE_TIMED_OUT',
    `host ${describeHost(found)} is not drained after ${timeoutMs / 1000} s: ${why}`,
    {
      details: { waitedFor: 'drain', host, instances: passing().map(({ instance }) => instance) },
      hint: 'the drain stands',
    },
  );
};

const undrained = (found: FoundHost): EcomputeError =>
  new EcomputeError('ECOMPUTE_HOST_NOT_DRAINING', `somebody has ended the drain of host ${describeHost(found)}`, {
    details: { host: found.host },
    hint: 'drain it again',
  });
