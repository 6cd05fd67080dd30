import { capacityOf } from '@etcd-compute/placement/engine/inventories/capacity';
import type { View } from '@etcd-compute/placement/index/view';
import type { Amounts, Inventory } from '@etcd-compute/placement/model/entities';
import type { Rule, Violation } from './rule.js';

export const roomIsCounted: Rule = ({ world, foreign }) =>
  world.counted ? findMiscounts(world.counted, { requests: world.requests, foreign: foreign.consumer }) : [];

export interface Wanted {
  readonly requests: Iterable<{ readonly instance: string; readonly host: string }>;
  /** Somebody else's consumer. */
  readonly foreign: string;
}

/**
 * What holds at every revision, because one transaction writes all of it: no room is taken without a request, what is used of a host is what
 * its consumers hold, and it is never more than there is. Pure.
 */
export const findMiscounts = (counted: View, { requests, foreign }: Wanted): Violation[] => {
  const hosts = new Map([...requests].map(({ instance, host }): [string, string] => [instance, host]));
  return [...findUnwanted(counted, hosts, foreign), ...[...counted.providers()].flatMap((one) => audit(counted, one))];
};

const findUnwanted = (counted: View, hosts: ReadonlyMap<string, string>, foreign: string): Violation[] =>
  [...counted.consumers()]
    .filter(({ uuid }) => uuid !== foreign)
    .flatMap(({ uuid, allocations }) =>
      Object.keys(allocations)
        .filter((provider) => provider !== hosts.get(uuid))
        .map((provider) => ({
          rule: 'allocation without request',
          instance: uuid,
          what: `on ${provider}, and it is wished ${hosts.get(uuid) ?? 'nowhere'}`,
        })),
    );

type Provider = NonNullable<ReturnType<View['provider']>>;

const audit = (counted: View, { uuid, inventories }: Provider): Violation[] => {
  const { used } = counted.usage(uuid);
  const held = sumOf([...counted.consumersOn(uuid)].map((consumer) => counted.consumer(consumer)?.allocations[uuid]));
  const names = new Set([...Object.keys(used), ...Object.keys(held), ...Object.keys(inventories)]);
  return [...names].flatMap((name): Violation[] => {
    const [is, should] = [used[name] ?? 0, held[name] ?? 0];
    const inventory = inventories[name];
    const most = inventory ? mostOf(inventory) : 0;
    return [
      ...(is === should
        ? []
        : [{ rule: 'miscounted', what: `${uuid}: ${name} ${is} used, and its consumers hold ${should}` }]),
      ...(is <= most ? [] : [{ rule: 'more than there is', what: `${uuid}: ${name} ${is} used of ${most}` }]),
    ];
  });
};

const sumOf = (all: readonly (Amounts | undefined)[]): Amounts => {
  const sum: Record<string, number> = {};
  for (const amounts of all)
    for (const [name, amount] of Object.entries(amounts ?? {})) sum[name] = (sum[name] ?? 0) + amount;
  return sum;
};

/** A host that takes nothing new has all of it reserved, and what is there stays. */
const mostOf = (inventory: Inventory): number =>
  capacityOf(inventory.reserved === inventory.total ? { ...inventory, reserved: 0 } : inventory);
