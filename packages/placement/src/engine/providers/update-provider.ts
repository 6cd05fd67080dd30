import type { Provider } from '../../model/entities.js';
import type { Draft } from '../draft.js';
import { Refusal } from '../refusal.js';
import { getGuardedProvider } from './get-provider.js';

export interface ProviderUpdate {
  readonly name: string;
  /** Undefined: it stays where it is. Null: it becomes a root. */
  readonly parent: string | null | undefined;
  /** Whether a provider that has a parent may get another one, or none. */
  readonly mayMove: boolean;
}

/**
 * Renames a provider and puts it below another one, with all that is below it. Its generation stays.
 *
 * @throws Refusal not-found, bad-request for a wrong parent, conflict for a name that is taken.
 */
export const updateProvider = (draft: Draft, uuid: string, update: ProviderUpdate): void => {
  const provider = getGuardedProvider(draft, uuid);
  const { name, parent = provider.parent } = update;
  if (parent !== provider.parent) move(draft, provider, { ...update, parent });
  if (name !== provider.name) rename(draft, provider, name);
  draft.put('provider', uuid, { ...provider, name, parent, updatedAt: draft.now });
};

const move = (draft: Draft, { uuid, parent: before }: Provider, { parent, mayMove }: ProviderUpdate): void => {
  const refuse = (reason: string): never => {
    throw new Refusal(
      'bad-request',
      `Unable to save resource provider ${uuid}: Object action update failed because: ${reason}`,
    );
  };
  if (typeof parent === 'string') {
    if (!draft.get('provider', parent)) refuse('parent provider UUID does not exist.');
    if (before !== null && !mayMove) refuse('re-parenting a provider is not currently allowed.');
    if (ancestorsOf(draft, parent).has(uuid)) refuse('creating loop in the provider tree is not allowed.');
    draft.put('child', `${parent}/${uuid}`, {});
  } else if (!mayMove) refuse('un-parenting a provider is not currently allowed.');
  if (before !== null) draft.delete('child', `${before}/${uuid}`);
};

/** A provider and all that are above it. Each is guarded: two that move below one another at the same time would make a circle. */
const ancestorsOf = (draft: Draft, uuid: string): ReadonlySet<string> => {
  const ancestors = new Set<string>();
  for (let next: string | null | undefined = uuid; typeof next === 'string' && !ancestors.has(next);) {
    ancestors.add(next);
    next = draft.get('provider', next)?.parent;
  }
  return ancestors;
};

const rename = (draft: Draft, provider: Provider, name: string): void => {
  if (draft.get('name', name))
    throw new Refusal('conflict', `Conflicting resource provider ${name} already exists.`, 'placement.duplicate_name');
  draft.delete('name', provider.name);
  draft.put('name', name, { uuid: provider.uuid });
};
