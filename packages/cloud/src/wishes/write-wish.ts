import { EcomputeError } from '@etcd-compute/common/errors';
import { isDestroyWish, wishesOf, type BootRequest } from '@etcd-compute/common/etcd/messages/boot-request';
import { powerOfWish, type Wish } from '@etcd-compute/common/etcd/messages/wish';
import type { InstanceRecord } from '@etcd-compute/common/etcd/messages/instance-record';
import { isWishName, WISH_KINDS, type WishName } from '@etcd-compute/common/wishes/kinds';
import type { WishKind } from '@etcd-compute/common/wishes/kind';
import type { SeenAgent } from '../hosts/presences.js';
import { describeInstance, type InstanceEntry } from '../instances/instance-entry.js';
import type { Services } from '../services.js';
import { rewriteRequest } from './rewrite-request.js';

interface NewWish {
  /** Of the instance's host; undefined when it is down. */
  readonly agent: SeenAgent | undefined;
  readonly kind: WishName;
  readonly args: Readonly<Record<string, unknown>>;
}

/**
 * Asks something of an instance, in its boot request.
 *
 * @returns the count of the wish: the record has it when the wish was carried out.
 * @throws EcomputeError when the instance is in no state for it, and what etcd throws; the instance is then as it was.
 */
export const writeWish = async (
  services: Services,
  found: InstanceEntry,
  { agent, kind, args }: NewWish,
): Promise<number> => {
  let count = 0;
  await rewriteRequest(services, found, {
    verb: kind,
    render: async (entry) => {
      const { request, record } = checkMayAsk(entry, kind);
      const { power: _power, wishes: _wishes, ...others } = request;
      const before = wishesOf(request);
      count = Math.max(before.at(-1)?.count ?? 0, record.wish_count) + 1;
      const pending = before.filter((one) => one.count > record.wish_count && !isReplaced(one.kind, kind));
      return { ...others, version: 1, ...renderWishes([...pending, { count, kind, args }], entry, agent) };
    },
  });
  return count;
};

/** @throws EcomputeError when the agent of its host is of a version that does not know one of them. */
const renderWishes = (
  wishes: readonly Wish[],
  entry: InstanceEntry,
  agent: SeenAgent | undefined,
): Pick<BootRequest, 'wishes' | 'power'> => {
  // What an agent that is down knows is not known. It finds its wishes once it is upgraded.
  const isKnown = ({ kind }: Wish): boolean => !agent || (agent.wishes?.includes(kind) ?? false);
  if (wishes.every(isKnown)) return { wishes: [...wishes] };
  const [only, ...more] = wishes;
  const power = only && more.length === 0 && !agent?.wishes ? powerOfWish(only) : undefined;
  if (power) return { power };
  const kinds = wishes.filter((one) => !isKnown(one)).map(({ kind }) => kind);
  const host = agent?.hostname ?? entry.host;
  throw new EcomputeError(
    'ECOMPUTE_HOST_NOT_UPGRADED',
    `could not ${kinds.join(' and ')} instance ${describeInstance(entry)}: the agent of its host ${host} is of a version that cannot`,
    { details: { instance: entry.instance, host: entry.host }, hint: `upgrade ecompute on ${host}` },
  );
};

/** A guest that is asked to stop, and then to start, need not stop. */
const isReplaced = (earlier: string, later: WishName): boolean =>
  isWishName(earlier) && WISH_KINDS[earlier].subject === WISH_KINDS[later].subject;

/** @throws EcomputeError when this cannot be asked of the instance as it is. */
const checkMayAsk = (entry: InstanceEntry, name: WishName): { request: BootRequest; record: InstanceRecord } => {
  const { instance, host, record, request } = entry;
  const what = `instance ${describeInstance(entry)}`;
  const details = { instance, host };
  if (!request || isDestroyWish(request) || record?.state === 'deleting' || record?.state === 'deleted') {
    const message = `${what} is ${record?.state === 'deleted' ? 'deleted' : 'being destroyed'}`;
    throw new EcomputeError('ECOMPUTE_INSTANCE_UNKNOWN', message, { details });
  }
  if (!record)
    throw new EcomputeError('ECOMPUTE_WISH_REFUSED', `${what} has no record: no agent that knows this wish has it`, {
      details,
      hint: 'the original ecompute only boots and destroys; wait for the agent of its host',
    });
  if (record.state === 'error')
    throw new EcomputeError(
      'ECOMPUTE_INSTANCE_FAILED',
      `${what} is in error: ${record.fault?.message ?? 'no reason'}`,
      { details, hint: 'destroy it, and boot again' },
    );
  const { from, participle }: WishKind = WISH_KINDS[name];
  if (!from.includes(record.state))
    throw new EcomputeError(
      'ECOMPUTE_WISH_REFUSED',
      `${what} is ${record.state}, and can be ${participle} only when it is ${from.join(' or ')}`,
      { details },
    );
  return { request, record };
};
