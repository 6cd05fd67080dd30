import { wishesOf, type BootRequest } from '@etcd-compute/common/etcd/messages/boot-request';
import { powerOfWish, type Wish } from '@etcd-compute/common/etcd/messages/wish';
import type { ActionKind } from '@etcd-compute/common/wishes/kind';
import { ACTIONS, isActionName, type ActionName } from '@etcd-compute/common/wishes/kinds';
import type { SeenAgent } from '../hosts/presences.js';
import type { InstanceEntry } from '../instances/instance-entry.js';
import type { Services } from '../services.js';
import { reserveSnapshotName } from '../snapshots/reserve-name.js';
import { both } from '../placing/along.js';
import { checkMayAsk, isKnownBy, tooOldFor, type Asked, type NewWish } from './check-may-ask.js';
import { rewriteRequest } from './rewrite-request.js';

/**
 * Asks for something to be done to an instance, in its boot request.
 *
 * @returns the count of the wish: the record has it when the wish was carried out. Undefined when there is nothing to do.
 * @throws EcomputeError when the instance is in no state for it, and what etcd throws; the instance is then as it was.
 */
export const writeAction = async (
  services: Services,
  found: InstanceEntry,
  { agent, kind, args: given, along }: NewWish<ActionName>,
): Promise<number | undefined> => {
  const action: ActionKind = ACTIONS[kind];
  const complete = (request: BootRequest): NewWish['args'] => action.complete?.(given, request) ?? given;
  let count = 0;
  let isIdle = false;
  await rewriteRequest(services, found, {
    verb: kind,
    render: async (entry) => {
      const { request, record } = checkMayAsk(entry, kind);
      const args = complete(request);
      const { power: _power, wishes: _wishes, ...others } = request;
      const before = wishesOf(request);
      const waiting = before.filter((one) => one.count > record.wish_count);
      // What waits may change what this will find: then its agent judges.
      isIdle = waiting.length === 0 && !isNeeded({ kind, args, agent }, { request, record });
      if (isIdle) return 'done';
      count = Math.max(before.at(-1)?.count ?? 0, record.wish_count) + 1;
      const pending = waiting.filter((one) => !isReplaced(one.kind, kind));
      return { ...others, version: 1, ...renderWishes([...pending, { count, kind, args }], entry, agent) };
    },
    also: async (entry, request) => {
      const own =
        kind === 'snapshot'
          ? await reserveSnapshotName(services, entry, { request, args: given, count })
          : { guards: [], writes: [] };
      return along ? both(own, await along(entry, count)) : own;
    },
  });
  return isIdle ? undefined : count;
};

/** @throws EcomputeError when the instance cannot be changed so as it is. */
const isNeeded = ({ kind, args, agent }: NewWish<ActionName>, { request, record }: Asked): boolean => {
  const action: ActionKind = ACTIONS[kind];
  const found = { isRunning: record.state !== 'stopped', nics: record.nics, networks: agent?.networks };
  return action.isNeeded?.({ request, args, ...found }) ?? true;
};

/** A guest that is asked to stop, and then to start, need not stop. */
const isReplaced = (earlier: string, later: ActionName): boolean => {
  const { replaces, subject }: ActionKind = ACTIONS[later];
  return replaces === true && isActionName(earlier) && ACTIONS[earlier].subject === subject;
};

/** @throws EcomputeError when the agent of its host is of a version that does not know one of them. */
const renderWishes = (
  wishes: readonly Wish[],
  entry: InstanceEntry,
  agent: SeenAgent | undefined,
): Pick<BootRequest, 'wishes' | 'power'> => {
  const unknown = wishes.map(({ kind }) => kind).filter((kind) => !isKnownBy(agent, kind));
  if (unknown.length === 0) return { wishes: [...wishes] };
  const [only, ...more] = wishes;
  const power = only && more.length === 0 && !agent?.wishes ? powerOfWish(only) : undefined;
  if (power) return { power };
  throw tooOldFor(unknown, entry, agent);
};
