import type { View } from '../index/view.js';
import type { Times } from '../model/entities.js';
import { STANDARD_CLASSES } from '../model/standard-classes.js';
import type { Draft } from './draft.js';
import { Refusal } from './refusal.js';

const standard: ReadonlySet<string> = new Set(STANDARD_CLASSES);

export const isResourceClass = (view: View, name: string): boolean =>
  standard.has(name) || view.customClasses().has(name);

/** Whether there is a resource class, and still is when the draft is committed. */
export const needResourceClass = (draft: Draft, name: string): boolean =>
  standard.has(name) || draft.get('class', name) !== undefined;

/** Those that are always there, then those that users made, by name. */
export const listResourceClasses = (view: View): readonly string[] => [
  ...STANDARD_CLASSES,
  ...[...view.customClasses().keys()].toSorted(),
];

/** @throws Refusal when there is none such. */
export const findResourceClass = (view: View, name: string): string => {
  if (!isResourceClass(view, name)) throw unknownClass(name);
  return name;
};

/** @returns whether it is new. */
export const ensureResourceClass = (draft: Draft, name: string): boolean => {
  if (needResourceClass(draft, name)) return false;
  draft.put('class', name, createdNow(draft));
  return true;
};

/** @throws Refusal conflict when there is one already. */
export const createResourceClass = (draft: Draft, name: string): void => {
  if (!ensureResourceClass(draft, name))
    throw new Refusal('conflict', `Conflicting resource class already exists: ${name}`);
};

/**
 * Gives a class that users made another name. Inventories name their classes, so one that has inventories keeps its name.
 *
 * @throws Refusal.
 */
export const renameResourceClass = (draft: Draft, from: string, to: string): void => {
  if (standard.has(from)) throw new Refusal('bad-request', `Cannot update standard resource class ${from}`);
  const times = draft.get('class', from);
  if (!times) throw unknownClass(from);
  if (from === to) return;
  if (needResourceClass(draft, to)) throw new Refusal('conflict', `Resource class already exists: ${to}`);
  checkUnused(draft, from, 'Error in update resource class: Cannot update');
  draft.delete('class', from);
  draft.put('class', to, { ...times, updatedAt: draft.now });
};

/** @throws Refusal. */
export const deleteResourceClass = (draft: Draft, name: string): void => {
  if (standard.has(name))
    throw new Refusal('bad-request', `Error in delete resource class: Cannot delete standard resource class ${name}.`);
  if (!needResourceClass(draft, name)) throw unknownClass(name);
  checkUnused(draft, name, 'Error in delete resource class: Cannot delete');
  draft.delete('class', name);
};

const checkUnused = (draft: Draft, name: string, refused: string): void => {
  if (draft.view.withInventory(name).size > 0)
    throw new Refusal('conflict', `${refused} resource class ${name}. Class is in use in inventory.`);
  draft.guardAll('provider');
};

const createdNow = (draft: Draft): Times => ({ createdAt: draft.now, updatedAt: draft.now });

const unknownClass = (name: string): Refusal => new Refusal('not-found', `No such resource class ${name}.`);
