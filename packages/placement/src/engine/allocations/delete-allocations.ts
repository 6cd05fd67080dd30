import type { Draft } from '../draft.js';
import { Refusal } from '../refusal.js';
import { markHoldings } from './consumer-request.js';
import { openUsageChanges } from './usage-changes.js';

/** Gives back all that a consumer holds. The generations of the providers stay. @throws Refusal not-found when it holds nothing. */
export const deleteAllocations = (draft: Draft, uuid: string): void => {
  const consumer = draft.get('consumer', uuid);
  if (!consumer) throw new Refusal('not-found', `No allocations for consumer '${uuid}'`);
  const usages = openUsageChanges(draft);
  usages.giveBack(consumer.allocations);
  usages.write();
  draft.delete('consumer', uuid);
  markHoldings(draft, uuid, { before: consumer.allocations, after: {} });
};
