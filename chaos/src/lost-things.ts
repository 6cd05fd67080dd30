import type { Violation } from './invariants/rule.js';
import type { World } from './world.js';

/** What a guest must never lose because something else is gone. */
type Things = Pick<World, 'hosts' | 'allocations'>;

const thingsOf = (world: Things): Map<string, string> =>
  new Map([
    ...world.hosts.flatMap(({ host, domains, disks }): [string, string][] => [
      ...domains.map(({ uuid, state }): [string, string] => [`domain ${uuid} on ${host}: ${state}`, uuid]),
      ...disks.map((disk): [string, string] => [`disk ${disk} on ${host}`, disk.slice(0, 36)]),
    ]),
    ...world.allocations.map(({ consumer, host }): [string, string] => [
      `allocation of ${consumer} on ${host}`,
      consumer,
    ]),
  ]);

/** What was there before, and is not there now as it was. Pure. */
export const findLost = (before: Things, now: Things): Violation[] => {
  const there = thingsOf(now);
  return [...thingsOf(before)]
    .filter(([what]) => !there.has(what))
    .map(([what, instance]) => ({ rule: 'taken from a guest', what, instance }));
};
