import type { View } from '../../index/view.js';
import { isInAny, resolveFilter } from '../provider-filter.js';
import { largestOf } from '../room.js';
import type { Choice } from './choices.js';
import type { Part } from './parts.js';
import type { CandidatesRequest } from './request.js';

/**
 * Whether what has been picked can still become a candidate, as far as one rule is concerned. `picks` are providers, one for each of the
 * first choices, and all but the last have been found good; when there is one for each choice, the answer is final.
 */
export type Constraint = (picks: readonly string[], choices: readonly Choice[]) => boolean;

/** The rules that concern several parts of a request at once. */
export const constraintsOf = (
  view: View,
  request: CandidatesRequest,
  parts: readonly Part[],
): readonly Constraint[] => {
  const constraints: Constraint[] = [];
  const repeated = repeatedClasses(parts);
  if (repeated.size > 0) constraints.push(hasRoomForAll(view, repeated));
  if (request.groupPolicy === 'isolate') constraints.push(areIsolated);
  if (!request.mayNest) constraints.push(areOfDifferentTrees(view));
  for (const suffixes of request.sameSubtrees) constraints.push(areInOneSubtree(view, suffixes));
  const group = request.groups.get('');
  if (group)
    for (const traits of resolveFilter(view, group).required)
      constraints.push((picks, choices) =>
        choices.some(
          ({ part, options }, at) =>
            part.suffix === '' && candidatesAt({ picks, options, at }).some((provider) => isInAny(traits, provider)),
        ),
      );
  return constraints;
};

/** What serves a choice: what is picked for it, or else any of its options. */
const candidatesAt = ({ picks, options, at }: { picks: readonly string[]; options: readonly string[]; at: number }) => {
  const pick = picks[at];
  return pick === undefined ? options : [pick];
};

const repeatedClasses = (parts: readonly Part[]): ReadonlySet<string> => {
  const classes = parts.flatMap(({ amounts }) => amounts.map(([resourceClass]) => resourceClass));
  return new Set(classes.filter((resourceClass, at) => classes.indexOf(resourceClass) !== at));
};

/** Several parts may be served by one provider: it must have room for their sum. */
const hasRoomForAll =
  (view: View, classes: ReadonlySet<string>): Constraint =>
  (picks, choices) => {
    const last = picks.length - 1;
    const provider = picks[last];
    if (provider === undefined) return [...classes].every((name) => isEnoughInAll(view, choices, name));
    const amounts = choices[last]?.part.amounts ?? [];
    return amounts.every(([name]) => {
      if (!classes.has(name)) return true;
      const parts = choices.filter((_choice, at) => picks[at] === provider).map(({ part }) => part);
      return sumOf(parts, name) <= largestOf(view, provider, name);
    });
  };

const isEnoughInAll = (view: View, choices: readonly Choice[], resourceClass: string): boolean => {
  const concerned = choices.filter(({ part }) => amountOf(part, resourceClass) > 0);
  const providers = [...new Set(concerned.flatMap(({ options }) => options))];
  const room = providers.reduce((sum, provider) => sum + largestOf(view, provider, resourceClass), 0);
  return (
    sumOf(
      concerned.map(({ part }) => part),
      resourceClass,
    ) <= room
  );
};

const sumOf = (parts: readonly Part[], resourceClass: string): number =>
  parts.reduce((sum, part) => sum + amountOf(part, resourceClass), 0);

const amountOf = ({ amounts }: Part, resourceClass: string): number =>
  amounts.find(([name]) => name === resourceClass)?.[1] ?? 0;

/** Each group with a suffix has a provider that no other of them has. */
const areIsolated: Constraint = (picks, choices) => {
  const concerned = choices
    .map(({ part, options }, at) => ({ part, options, pick: picks[at] }))
    .filter(({ part }) => part.suffix !== '');
  if (picks.length === 0) return new Set(concerned.flatMap(({ options }) => options)).size >= concerned.length;
  const picked = concerned.flatMap(({ pick }) => pick ?? []);
  return new Set(picked).size === picked.length;
};

/** No two providers of one tree. */
const areOfDifferentTrees =
  (view: View): Constraint =>
  (picks) => {
    const last = picks.at(-1);
    if (last === undefined) return true;
    const root = view.rootOf(last);
    return picks.every((pick) => pick === last || view.rootOf(pick) !== root);
  };

/** One of the providers that serve these groups is above all others of them. */
const areInOneSubtree =
  (view: View, suffixes: readonly string[]): Constraint =>
  (picks, choices) => {
    const concerned = choices
      .map(({ part, options }, at) => ({ part, options, pick: picks[at] }))
      .filter(({ part }) => suffixes.includes(part.suffix));
    const [first, ...rest] = concerned.flatMap(({ pick }) => pick ?? []);
    if (first === undefined) return true;
    const common = rest.reduce(
      (common, pick) => {
        const path = pathOf(view, pick);
        return common.filter((provider) => path.includes(provider));
      },
      pathOf(view, first),
    );
    return common.some((top) =>
      concerned.some(({ pick, options }) => (pick === undefined ? options.includes(top) : pick === top)),
    );
  };

/** A provider and all that are above it. */
const pathOf = (view: View, provider: string): readonly string[] => {
  const path = [provider];
  for (;;) {
    const parent = view.provider(path.at(-1) ?? '')?.parent;
    if (parent === undefined || parent === null || path.includes(parent)) return path;
    path.push(parent);
  }
};
