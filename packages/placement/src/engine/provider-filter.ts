import type { View } from '../index/view.js';

/** What providers must be, apart from what they have room for. */
export interface ProviderFilter {
  /** One of each of these sets. */
  readonly requiredTraits: readonly (readonly string[])[];
  readonly forbiddenTraits: readonly string[];
  /** In one aggregate of each of these sets. */
  readonly memberOf: readonly (readonly string[])[];
  readonly forbiddenAggregates: readonly string[];
  /** A provider: only its tree is looked at. */
  readonly inTree?: string | undefined;
}

/** A filter that knows who has what. */
export interface ResolvedFilter {
  /** By required set: the providers that have each of its traits. */
  readonly required: readonly Sets[];
  readonly hasRequiredTraits: (provider: string) => boolean;
  readonly hasForbiddenTrait: (provider: string) => boolean;
  readonly memberOf: readonly Sets[];
  readonly isMember: (provider: string) => boolean;
  readonly isForbiddenMember: (provider: string) => boolean;
  /** All of these. */
  readonly accepts: (provider: string) => boolean;
}

/** Sets of which one is enough. */
export type Sets = readonly ReadonlySet<string>[];

export const isInAny = (sets: Sets, member: string): boolean => sets.some((set) => set.has(member));

export const resolveFilter = (view: View, filter: ProviderFilter): ResolvedFilter => {
  const required = filter.requiredTraits.map((traits) => traits.map((trait) => view.withTrait(trait)));
  const forbidden = filter.forbiddenTraits.map((trait) => view.withTrait(trait));
  const memberOf = filter.memberOf.map((aggregates) => aggregates.map((aggregate) => view.inAggregate(aggregate)));
  const forbiddenAggregates = filter.forbiddenAggregates.map((aggregate) => view.inAggregate(aggregate));
  const resolved = {
    required,
    hasRequiredTraits: (provider: string) => required.every((sets) => isInAny(sets, provider)),
    hasForbiddenTrait: (provider: string) => isInAny(forbidden, provider),
    memberOf,
    isMember: (provider: string) => memberOf.every((sets) => isInAny(sets, provider)),
    isForbiddenMember: (provider: string) => isInAny(forbiddenAggregates, provider),
  };
  return {
    ...resolved,
    accepts: (provider) =>
      resolved.hasRequiredTraits(provider) &&
      !resolved.hasForbiddenTrait(provider) &&
      resolved.isMember(provider) &&
      !resolved.isForbiddenMember(provider),
  };
};
