import type { View } from '../../index/view.js';
import { isInAny, resolveFilter, type ResolvedFilter } from '../provider-filter.js';
import { hasRoom } from '../room.js';
import type { Part } from './parts.js';
import type { CandidatesRequest } from './request.js';
import type { Sharing } from './sharing.js';

/** The providers any of which could serve a part, as far as only this part is looked at. */
export interface Choice {
  readonly part: Part;
  readonly options: readonly string[];
}

/** A tree, and the providers that share with it. */
interface Reach {
  readonly root: string;
  readonly tree: readonly string[];
  readonly shared: readonly string[];
}

/** @returns the choices a root's tree leaves for each part; undefined when a part cannot be served. */
export type ChoicesOf = (root: string) => readonly Choice[] | undefined;

export const createChoicesOf = (search: {
  readonly view: View;
  readonly request: CandidatesRequest;
  readonly parts: readonly Part[];
  readonly sharing: Sharing;
}): ChoicesOf => {
  const { view, request, sharing } = search;
  const filters = new Map([...request.groups].map(([suffix, group]) => [suffix, resolveFilter(view, group)]));
  const finders = search.parts.map((part) => ({ part, find: optionsFinder(view, part, filters.get(part.suffix)) }));
  const required = request.rootRequiredTraits.map((trait) => view.withTrait(trait));
  const forbidden = request.rootForbiddenTraits.map((trait) => view.withTrait(trait));

  return (root) => {
    if (!required.every((set) => set.has(root)) || isInAny(forbidden, root)) return undefined;
    const tree = view.childrenOf(root).size === 0 ? [root] : view.subtreeOf(root);
    const reach = { root, tree, shared: sharing.sharedWith(tree) };
    const choices: Choice[] = [];
    for (const { part, find } of finders) {
      const options = find(reach);
      if (options.length === 0) return undefined;
      choices.push({ part, options });
    }
    return choices;
  };
};

const optionsFinder = (
  view: View,
  part: Part,
  filter: ResolvedFilter | undefined,
): ((reach: Reach) => readonly string[]) => {
  if (!filter) return () => [];
  return part.suffix === '' ? classOptions(view, part, filter) : groupOptions(view, part, filter);
};

/**
 * Of the group without suffix: a tree is in the aggregates of its root, and the required traits may be spread over the providers that are
 * chosen for its classes.
 */
const classOptions = (view: View, part: Part, filter: ResolvedFilter) => {
  const isGood = (provider: string): boolean =>
    part.amounts.every((amount) => hasRoom(view, provider, amount)) &&
    !filter.hasForbiddenTrait(provider) &&
    !filter.isForbiddenMember(provider);
  const only = rootOfTree(view, part);
  return ({ root, tree, shared }: Reach): readonly string[] => {
    if ((only !== undefined && only !== root) || filter.isForbiddenMember(root)) return [];
    const isMember = filter.isMember(root);
    const own = tree.filter((provider) => (isMember || filter.isMember(provider)) && isGood(provider));
    if (only !== undefined || shared.length === 0) return own;
    return [...own, ...shared.filter((provider) => filter.isMember(provider) && isGood(provider))];
  };
};

/** Of a group with a suffix: a provider that is all that is required. */
const groupOptions = (view: View, part: Part, filter: ResolvedFilter) => {
  const hasResources = part.amounts.length > 0;
  // As OpenStack Placement does: what has no resources is found by its traits or aggregates, and its tree is not looked at.
  if (!hasResources && filter.required.length === 0 && filter.memberOf.length === 0) return () => [];
  const only = hasResources ? rootOfTree(view, part) : undefined;
  const isGood = (provider: string): boolean =>
    part.amounts.every((amount) => hasRoom(view, provider, amount)) &&
    (only === undefined || view.rootOf(provider) === only) &&
    filter.accepts(provider);
  return ({ tree, shared }: Reach): readonly string[] => {
    const own = tree.filter(isGood);
    return shared.length === 0 ? own : [...own, ...shared.filter(isGood)];
  };
};

const rootOfTree = (view: View, { group }: Part): string | undefined =>
  group.inTree === undefined ? undefined : view.rootOf(group.inTree);
