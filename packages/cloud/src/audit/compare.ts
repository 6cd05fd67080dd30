import type { Keys } from '@etcd-compute/common/etcd/keys';
import type { Finding } from './finding.js';
import { keepGuests } from './keep-guests.js';
import { findAllocations } from './rules/allocations.js';
import { findCopies } from './rules/copies.js';
import { findEndings, findLocations, findNameless, findNames } from './rules/books.js';
import { findFailedBuilds } from './rules/failed-builds.js';
import { findLeftovers, findReports } from './rules/leftovers.js';
import { findAddresses, findRecords } from './rules/records.js';
import { findRequests } from './rules/requests.js';
import type { Seen } from './seen.js';
import { createWorld, type Rule } from './world.js';

export interface CompareOptions {
  readonly keys: Keys;
  /** Younger allocations are those of boots at work. */
  readonly graceSeconds: number;
  /** Whether guests without a boot request are to be removed. */
  readonly isRemovingGuests: boolean;
}

export interface Comparison {
  readonly findings: readonly Finding[];
  /** Allocations without a request that are too young to be judged. */
  readonly young: number;
}

/** Of instances, in the order in which they are told. */
const RULES: readonly Rule[] = [
  findRequests,
  findFailedBuilds,
  findCopies,
  findRecords,
  findAddresses,
  findLocations,
  findNames,
  findNameless,
  findEndings,
];

/** What one look shows that does not fit together. Pure. */
export const compare = (seen: Seen, options: CompareOptions): Comparison => {
  const world = createWorld(seen, options.keys);
  const leftovers = findLeftovers(world);
  const wished = new Map(
    leftovers.flatMap(({ mend, instance, host }) =>
      mend.by === 'wish' && instance !== null ? [[instance, { mend, host }] as const] : [],
    ),
  );
  const { findings: allocations, young } = findAllocations(world, options.graceSeconds);
  const rest = [...allocations, ...RULES.flatMap((rule) => rule(world))];
  const findings = [
    ...leftovers,
    // The agent's delete takes the instance's allocation and record along, and its books are closed afterwards.
    ...rest.map((finding) => {
      const wish = finding.instance === null ? undefined : wished.get(finding.instance);
      return wish && wish.host === finding.host ? { ...finding, mend: wish.mend } : finding;
    }),
    ...findReports(world),
  ];
  return { young, findings: keepGuests(findings, { world, ...options }) };
};
