import type { Room } from '@etcd-compute/common/capacity/capacity';

/**
 * The share of the host that stays free after placement, from 0 to 1: of the resource class that gets scarcest, because that
 * one ends the host's use.
 */
export const weighSpread = (asked: Readonly<Record<string, number>>, room: Room): number => {
  const shares = Object.entries(asked).map(([name, amount]) => {
    const { capacity, used } = room[name] ?? { capacity: 0, used: 0 };
    return capacity === 0 ? 0 : (capacity - used - amount) / capacity;
  });
  return shares.length === 0 ? 0 : Math.min(...shares);
};
