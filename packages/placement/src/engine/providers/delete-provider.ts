import type { Draft } from '../draft.js';
import { Refusal } from '../refusal.js';
import { getUsage } from './get-provider.js';

/** @throws Refusal not-found, conflict when providers are below it or something is allocated from it. */
export const deleteProvider = (draft: Draft, uuid: string): void => {
  const provider = draft.get('provider', uuid);
  if (!provider) throw new Refusal('not-found', `No resource provider with uuid ${uuid} found for delete`);
  if (draft.view.childrenOf(uuid).size > 0)
    throw new Refusal(
      'conflict',
      `Unable to delete parent resource provider ${uuid}: It has child resource providers.`,
      'placement.resource_provider.cannot_delete_parent',
    );
  if (Object.keys(getUsage(draft, uuid).used).length > 0)
    throw new Refusal(
      'conflict',
      `Unable to delete resource provider ${uuid}: Resource provider has allocations.`,
      'placement.resource_provider.inuse',
    );
  draft.guardNone('child', `${uuid}/`);
  draft.delete('provider', uuid);
  draft.delete('usage', uuid);
  draft.delete('name', provider.name);
  draft.mark('sharing', uuid, false);
  if (provider.parent !== null) draft.delete('child', `${provider.parent}/${uuid}`);
};
