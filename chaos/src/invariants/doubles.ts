import type { World } from '../world.js';
import type { Violation } from './rule.js';

/** One instance, one host; one address, one guest. Never to be broken, not even for a moment. */
export const findDoubles = (world: Pick<World, 'hosts' | 'requests'>): Violation[] => [
  ...doublesOf(
    world.hosts.flatMap(({ host, domains }) => domains.filter(({ isOurs }) => isOurs).map(({ uuid }) => [uuid, host])),
    'on two hosts',
  ),
  ...doublesOf(
    world.requests.map(({ instance, host }) => [instance, host]),
    'wished on two hosts',
  ),
  ...world.hosts.flatMap(({ domains }) =>
    doublesOf(
      domains.flatMap(({ uuid, interfaces }) => interfaces.map(({ mac }): [string, string] => [mac, uuid])),
      'address twice',
    ),
  ),
];

export const doublesOf = (pairs: readonly (readonly [string, string])[], rule: string): Violation[] => {
  const byKey = new Map<string, string[]>();
  for (const [key, value] of pairs) byKey.set(key, [...(byKey.get(key) ?? []), value]);
  return [...byKey]
    .filter(([, values]) => values.length > 1)
    .map(([key, values]) => ({ rule, instance: key, what: `${key}: ${values.join(' and ')}` }));
};
