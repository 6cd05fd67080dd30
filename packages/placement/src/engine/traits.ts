import type { View } from '../index/view.js';
import type { Times } from '../model/entities.js';
import { STANDARD_TRAITS } from '../model/standard-traits.js';
import type { Draft } from './draft.js';
import { Refusal } from './refusal.js';

const standard: ReadonlySet<string> = new Set(STANDARD_TRAITS);

export const isTrait = (view: View, name: string): boolean => standard.has(name) || view.customTraits().has(name);

export interface TraitFilter {
  readonly names?: readonly string[];
  readonly start?: string;
  /** Whether a provider has it. */
  readonly isAssociated?: boolean;
}

/** Those that are always there come first; each by name. */
export const compareTraits = (a: string, b: string): number =>
  Number(standard.has(b)) - Number(standard.has(a)) || (a < b ? -1 : Number(a > b));

/** In the order of `compareTraits`. */
export const listTraits = (view: View, { names, start, isAssociated }: TraitFilter): readonly string[] =>
  [...STANDARD_TRAITS, ...[...view.customTraits().keys()].toSorted(compareTraits)].filter(
    (name) =>
      (names === undefined || names.includes(name)) &&
      (start === undefined || name.startsWith(start)) &&
      (isAssociated === undefined || view.withTrait(name).size > 0 === isAssociated),
  );

/** @returns when it was made; undefined for those that are always there. @throws Refusal when there is none such. */
export const findTrait = (view: View, name: string): Times | undefined => {
  if (!isTrait(view, name)) throw unknownTrait(name);
  return view.customTraits().get(name);
};

/** @param name one that users may make. @returns when it was made, and whether that was now. */
export const ensureTrait = (draft: Draft, name: string): { readonly times: Times; readonly isNew: boolean } => {
  const found = draft.get('trait', name);
  if (found) return { times: found, isNew: false };
  const times = { createdAt: draft.now, updatedAt: draft.now };
  draft.put('trait', name, times);
  return { times, isNew: true };
};

/** @throws Refusal. */
export const deleteTrait = (draft: Draft, name: string): void => {
  if (!standard.has(name) && !draft.get('trait', name)) throw unknownTrait(name);
  if (standard.has(name)) throw new Refusal('bad-request', `Cannot delete standard trait ${name}.`);
  if (draft.view.withTrait(name).size > 0)
    throw new Refusal('conflict', `The trait ${name} is in use by a resource provider.`);
  draft.guardAll('provider');
  draft.delete('trait', name);
};

/** Those of some names that are no traits, and will not have become any when the draft is committed. */
export const missingTraits = (draft: Draft, names: readonly string[]): readonly string[] =>
  names.filter((name) => !standard.has(name) && !draft.get('trait', name));

const unknownTrait = (name: string): Refusal => new Refusal('not-found', `No such trait(s): ${name}.`);
