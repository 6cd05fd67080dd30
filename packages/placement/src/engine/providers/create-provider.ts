import type { Provider } from '../../model/entities.js';
import type { Draft } from '../draft.js';
import { Refusal } from '../refusal.js';

/** @throws Refusal bad-request for a wrong parent, conflict when its name or uuid are taken. */
export const createProvider = (
  draft: Draft,
  { uuid, name, parent }: Pick<Provider, 'uuid' | 'name' | 'parent'>,
): void => {
  const refuse = (reason: string): never => {
    throw new Refusal(
      'bad-request',
      `Unable to create resource provider "${name}", ${uuid}: Object action create failed because: ${reason}`,
    );
  };
  if (name === '') refuse('name is required');
  if (parent === uuid) refuse('parent provider UUID cannot be same as UUID.');
  if (parent !== null && !draft.get('provider', parent)) refuse('parent provider UUID does not exist.');
  const taken = [
    ...(draft.get('provider', uuid) ? [`uuid: ${uuid}`] : []),
    ...(draft.get('name', name) ? [`name: ${name}`] : []),
  ];
  if (taken.length > 0)
    throw new Refusal(
      'conflict',
      `Conflicting resource provider ${taken.join(', ')} already exists.`,
      'placement.duplicate_name',
    );

  const times = { createdAt: draft.now, updatedAt: draft.now };
  draft.put('provider', uuid, { uuid, name, parent, inventories: {}, traits: [], aggregates: [], ...times });
  // Nobody can have allocated from it before, but a provider of this uuid may have been here: what it left must not count.
  draft.put('usage', uuid, { generation: 0, used: {} });
  draft.put('name', name, { uuid });
  if (parent !== null) draft.put('child', `${parent}/${uuid}`, {});
};
