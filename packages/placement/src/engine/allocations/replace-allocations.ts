import type { Draft } from '../draft.js';
import { Refusal } from '../refusal.js';
import { isResourceClass } from '../resource-classes.js';
import {
  type ConsumerChange,
  type ConsumerRequest,
  getConsumerToChange,
  listAmounts,
  writeConsumer,
} from './consumer-request.js';
import { takeAmounts } from './take-amounts.js';
import { openUsageChanges } from './usage-changes.js';

/**
 * Replaces all that some consumers hold, all or nothing. Guards the consumers and what is used of the providers they held or will hold,
 * and nothing else, so allocations from different providers never disturb each other.
 *
 * The generation of a provider counts up when something is asked of it, or when a consumer gives back all it has. It does not when a
 * consumer moves elsewhere.
 *
 * @throws Refusal bad-request for a provider or a class that does not exist, conflict for another generation or what does not fit.
 */
export const replaceAllocations = (draft: Draft, requests: readonly ConsumerRequest[]): void =>
  allocate(draft, checkRequests(draft, requests));

/** The part of it that looks at what is asked for, and at nothing that is used. @throws Refusal. */
export const checkRequests = (draft: Draft, requests: readonly ConsumerRequest[]): readonly ConsumerChange[] => {
  const changes = requests.map((request) => getConsumerToChange(draft, request));
  for (const { allocations } of requests)
    for (const provider of Object.keys(allocations))
      if (!draft.peek('provider', provider))
        throw new Refusal('bad-request', `Allocation for resource provider '${provider}' that does not exist.`);
  return changes;
};

/** The part of it that writes. @throws Refusal. */
export const allocate = (draft: Draft, changes: readonly ConsumerChange[]): void => {
  refuseUnknownClasses(draft, changes);
  const usages = openUsageChanges(draft);
  for (const { before } of changes) if (before) usages.giveBack(before.allocations);
  takeAmounts(
    draft,
    usages,
    changes.flatMap(({ request }) => [...listAmounts(request.allocations)]),
  );
  usages.write(new Set(changes.flatMap(providersAsked)));
  for (const change of changes) writeConsumer(draft, change);
};

const providersAsked = ({ request, before }: ConsumerChange): string[] => {
  const asked = Object.keys(request.allocations);
  return asked.length > 0 ? asked : Object.keys(before?.allocations ?? {});
};

const refuseUnknownClasses = (draft: Draft, changes: readonly ConsumerChange[]): void => {
  for (const { request } of changes)
    for (const { provider, resourceClass } of listAmounts(request.allocations))
      // A class that something has an inventory of is there.
      if (!draft.peek('provider', provider)?.inventories[resourceClass] && !isResourceClass(draft.view, resourceClass))
        throw new Refusal(
          'bad-request',
          `Unable to allocate inventory for consumer ${request.uuid}: No such resource class ${resourceClass}.`,
        );
};
