import type { Amounts } from '../../model/entities.js';
import type { ProviderFilter } from '../provider-filter.js';

/** https://docs.openstack.org/placement/latest/user/provider-tree.html */
export interface RequestGroup extends ProviderFilter {
  readonly resources: Amounts;
}

/** What allocation candidates are asked for. */
export interface CandidatesRequest {
  /**
   * By suffix. A group with a suffix is served by one provider. The group whose suffix is empty may be served by several of a tree, and by
   * such that share what they have with it.
   */
  readonly groups: ReadonlyMap<string, RequestGroup>;
  /** `isolate`: no two groups with suffixes are served by the same provider. */
  readonly groupPolicy: 'none' | 'isolate';
  /** Sets of suffixes. Of the providers that serve a set, one must be above all others of them. */
  readonly sameSubtrees: readonly (readonly string[])[];
  readonly rootRequiredTraits: readonly string[];
  readonly rootForbiddenTraits: readonly string[];
  readonly limit?: number | undefined;
  /** False: no candidate has two providers of one tree, as clients expect that know nothing of trees. */
  readonly mayNest: boolean;
}

/** How candidates are looked for. */
export interface SearchOptions {
  /** 0 <= n < 1. When it is given, candidates come in random order; else in that of the index. */
  readonly random?: (() => number) | undefined;
  /**
   * `breadth-first`: one candidate of each tree before the second of any. With a limit it makes the difference between candidates on many
   * hosts and many candidates on one host, for the search ends when there are enough.
   */
  readonly strategy?: 'breadth-first' | 'depth-first' | undefined;
  /** No more candidates than that, whatever the limit of a request. */
  readonly maxCandidates?: number | undefined;
  /** How many choices between providers are looked at; the candidates that are made of choices count too, with their parts. */
  readonly maxChoices?: number | undefined;
}

/** What would meet a request. */
export interface Candidate {
  /** By provider. */
  readonly allocations: ReadonlyMap<string, Amounts>;
  /** By suffix: the providers that serve the group. */
  readonly mappings: ReadonlyMap<string, readonly string[]>;
}

export interface FoundCandidates {
  readonly candidates: readonly Candidate[];
  /** False when the search ended because of `maxChoices`: there may be more, or there may be some where none was found. */
  readonly isComplete: boolean;
}
