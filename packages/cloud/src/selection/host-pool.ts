import type { ProviderUuid } from '@etcd-compute/common/ids';
import type { Candidate, Candidates, Room } from '@etcd-compute/common/capacity/capacity';
import type { Strategy } from './strategies.js';
import { weighPack } from './weighers/pack.js';
import { weighRandom } from './weighers/random.js';
import { weighSpread } from './weighers/spread.js';

type Weigher = (asked: Readonly<Record<string, number>>, room: Room) => number;

const WEIGHERS: Readonly<Record<Strategy, Weigher>> = { spread: weighSpread, pack: weighPack, random: weighRandom };

/**
 * The candidates of one reply of Placement, from which many instances are placed at once: each `take` counts what it takes, so that
 * the next one sees the host as it will be and not as Placement last told it.
 */
export interface HostPool {
  /** How many candidates there were at first. */
  readonly size: number;
  /** The best candidate that still has room; undefined when there is none. Its room counts as taken until given back. */
  readonly take: (excluded: ReadonlySet<ProviderUuid>) => Candidate | undefined;
  readonly giveBack: (candidate: Candidate) => void;
}

export interface HostPoolOptions {
  readonly candidates: readonly Candidate[];
  readonly rooms: Candidates['rooms'];
  readonly strategy: Strategy;
  /** Breaks ties: from 0 up to 1, as Math.random. */
  readonly random: () => number;
}

export const createHostPool = ({ candidates, rooms: told, strategy, random }: HostPoolOptions): HostPool => {
  const rooms = new Map<string, Record<string, { capacity: number; used: number }>>();
  for (const [provider, room] of told) {
    const copy = Object.entries(room).map(([name, { capacity, used }]) => [name, { capacity, used }]);
    rooms.set(provider, Object.fromEntries(copy));
  }

  const hasRoom = ({ allocations }: Candidate): boolean =>
    Object.entries(allocations).every(([provider, { resources }]) =>
      Object.entries(resources).every(([name, amount]) => {
        const left = rooms.get(provider)?.[name];
        // Placement is the judge; a provider that it does not describe is left to it.
        return left === undefined || left.capacity - left.used >= amount;
      }),
    );

  const use = ({ allocations }: Candidate, sign: 1 | -1): void => {
    for (const [provider, { resources }] of Object.entries(allocations))
      for (const [name, amount] of Object.entries(resources)) {
        const left = rooms.get(provider)?.[name];
        if (left) left.used += sign * amount;
      }
  };

  /** A candidate is as good as the provider on which it leaves least. */
  const weigh = ({ allocations }: Candidate): number =>
    Math.min(
      ...Object.entries(allocations).map(([provider, { resources }]) =>
        WEIGHERS[strategy](resources, rooms.get(provider) ?? {}),
      ),
    );

  const take: HostPool['take'] = (excluded) => {
    let best: { candidate: Candidate; weight: number; tie: number } | undefined;
    for (const candidate of candidates) {
      if (excluded.has(candidate.host) || !hasRoom(candidate)) continue;
      const weight = weigh(candidate);
      const tie = random();
      if (!best || weight > best.weight || (weight === best.weight && tie > best.tie))
        best = { candidate, weight, tie };
    }
    if (best) use(best.candidate, 1);
    return best?.candidate;
  };
  return { size: candidates.length, take, giveBack: (candidate) => use(candidate, -1) };
};
