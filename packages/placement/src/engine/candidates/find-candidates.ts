import type { View } from '../../index/view.js';
import { createBudget } from './budget.js';
import { candidateOf, keyOf } from './candidate.js';
import { createChoicesOf, type Choice } from './choices.js';
import { combinations, PAUSE } from './combinations.js';
import { constraintsOf } from './constraints.js';
import { breadthFirst, depthFirst } from './interleave.js';
import { partsOf } from './parts.js';
import type { Candidate, CandidatesRequest, FoundCandidates, SearchOptions } from './request.js';
import { possibleRoots } from './roots.js';
import { createSharing } from './sharing.js';
import { shuffled } from './shuffled.js';

/** About a fifth of a second's work. */
const MAX_CHOICES = 200_000;

/**
 * What would meet a request now, looked for tree by tree until there is enough. Names of resource classes and traits are taken as they are.
 *
 * OpenStack Placement makes all candidates and then takes as many as asked for; `max_allocation_candidates` makes it end early and say
 * nothing of it. Here a search always ends: it is bounded by the choices that it looks at, too.
 */
export const findCandidates = (
  view: View,
  request: CandidatesRequest,
  options: SearchOptions = {},
): FoundCandidates => {
  const most = Math.min(request.limit ?? Infinity, options.maxCandidates ?? Infinity);
  const isNowhere = [...request.groups.values()].some(
    ({ inTree }) => inTree !== undefined && view.provider(inTree) === undefined,
  );
  if (isNowhere || most < 1) return { candidates: [], isComplete: true };

  const { random, strategy = 'breadth-first' } = options;
  const budget = createBudget(options.maxChoices ?? MAX_CHOICES);
  const sharing = createSharing(view);
  const parts = partsOf(request);
  const choicesOf = createChoicesOf({ view, request, parts, sharing });
  const constraints = constraintsOf(view, request, parts);

  function* inTree(choices: readonly Choice[]): Iterable<readonly [readonly string[], readonly Choice[]] | undefined> {
    for (const picks of combinations({ choices, constraints, budget }))
      yield picks === PAUSE ? undefined : [picks, choices];
  }
  function* inTrees(): Iterable<ReturnType<typeof inTree>> {
    for (const root of possibleRoots({ view, request, sharing, random })) {
      const choices = choicesOf(root);
      if (choices) yield inTree(arrange(choices, random));
    }
  }

  const candidates: Candidate[] = [];
  const seen = new Set<string>();
  for (const found of (strategy === 'breadth-first' ? breadthFirst : depthFirst)(inTrees())) {
    if (budget.isSpent()) break;
    if (!found) continue;
    const [picks, choices] = found;
    // Only what is shared is found in more than one tree.
    if (picks.every((provider) => sharing.shares(provider))) {
      const key = keyOf(picks, choices);
      if (seen.has(key)) continue;
      seen.add(key);
    }
    candidates.push(candidateOf(picks, choices));
    if (candidates.length >= most)
      return { candidates: random ? shuffled(candidates, random) : candidates, isComplete: true };
    if (choices.some((choice) => choice.options.length > 1)) budget.spend(choices.length);
  }
  return { candidates: random ? shuffled(candidates, random) : candidates, isComplete: !budget.isSpent() };
};

/** Choices with few options first: a search ends early where nothing fits. */
const arrange = (choices: readonly Choice[], random: (() => number) | undefined): readonly Choice[] =>
  choices
    .map((choice) =>
      random && choice.options.length > 1 ? { ...choice, options: shuffled(choice.options, random) } : choice,
    )
    .toSorted((one, other) => one.options.length - other.options.length);
