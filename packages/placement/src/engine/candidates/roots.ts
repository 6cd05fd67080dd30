import type { View } from '../../index/view.js';
import type { Sets } from '../provider-filter.js';
import type { CandidatesRequest } from './request.js';
import type { Sharing } from './sharing.js';

/** Where one looks for roots. */
export interface RootSearch {
  readonly view: View;
  readonly request: CandidatesRequest;
  readonly sharing: Sharing;
  readonly random?: (() => number) | undefined;
}

/**
 * The roots of all trees that could serve a request, and some that cannot: each once, found as they are asked for, so the first few of ten
 * thousand cost no more than the first few of ten.
 *
 * Each thing that is required names the providers one of which must take part. The shortest of these lists is walked.
 */
export function* possibleRoots({ view, request, sharing, random }: RootSearch): Iterable<string> {
  const sets = shortestOf([...requirements(view, request)], sharing);
  const start = random ? Math.floor(random() * sizeOf(sets)) : 0;
  const seen = new Set<string>();
  for (const provider of ring(sets, start))
    for (const root of sharing.treesServedBy(provider))
      if (!seen.has(root)) {
        seen.add(root);
        yield root;
      }
}

/** Of each list, one provider serves the tree of a candidate or is its root. */
function* requirements(view: View, { groups, rootRequiredTraits }: CandidatesRequest): Iterable<Sets> {
  for (const trait of rootRequiredTraits) yield [view.withTrait(trait)];
  for (const { resources, requiredTraits, memberOf, inTree } of groups.values()) {
    const classes = Object.keys(resources);
    for (const resourceClass of classes) yield [view.withInventory(resourceClass)];
    for (const traits of requiredTraits) yield traits.map((trait) => view.withTrait(trait));
    for (const aggregates of memberOf) yield aggregates.map((aggregate) => view.inAggregate(aggregate));
    if (inTree !== undefined && classes.length > 0) yield [new Set(view.subtreeOf(view.rootOf(inTree)))];
  }
}

/** The list that is the shortest with all that its providers share with. */
const shortestOf = (lists: readonly Sets[], sharing: Sharing): Sets => {
  const lengths = lists.map((sets) => ({ sets, length: sizeOf(sets) + sharing.countServedBy(sets) }));
  const [first, ...rest] = lengths;
  return rest.reduce((best, list) => (list.length < best.length ? list : best), first ?? { sets: [], length: 0 }).sets;
};

const sizeOf = (sets: Sets): number => sets.reduce((sum, set) => sum + set.size, 0);

/** All members from the one at `start` to the one before it. */
function* ring(sets: Sets, start: number): Iterable<string> {
  yield* slice(sets, start, Infinity);
  yield* slice(sets, 0, start);
}

function* slice(sets: Sets, start: number, end: number): Iterable<string> {
  let position = 0;
  for (const set of sets)
    for (const member of set) {
      if (position >= end) return;
      if (position >= start) yield member;
      position += 1;
    }
}
