import type { Amounts, Consumer } from '../../model/entities.js';
import type { Draft } from '../draft.js';
import { Refusal } from '../refusal.js';

/** What a consumer shall hold from now on, instead of all that it holds. */
export interface ConsumerRequest extends Pick<Consumer, 'uuid' | 'project' | 'user' | 'allocations'> {
  /** As the caller knows it: null for a consumer that is not there yet. Undefined: any, as before 1.28. */
  readonly generation: number | null | undefined;
  /** Undefined: it keeps the one it has, as before 1.38. */
  readonly type: string | undefined;
}

/** A consumer as it is, guarded, and what it asks for. */
export interface ConsumerChange {
  readonly request: ConsumerRequest;
  readonly before: Consumer | undefined;
}

/** @throws Refusal conflict when the caller knows another generation. */
export const getConsumerToChange = (draft: Draft, request: ConsumerRequest): ConsumerChange => {
  const before = draft.get('consumer', request.uuid);
  const actual = before?.generation ?? null;
  if (request.generation !== undefined && request.generation !== actual)
    throw new Refusal(
      'conflict',
      `consumer generation conflict - expected ${actual} but got ${request.generation}`,
      'placement.concurrent_update',
    );
  return { request, before };
};

/** Writes what a consumer holds. One that holds nothing is gone. */
export const writeConsumer = (draft: Draft, { request, before }: ConsumerChange): void => {
  const { uuid, project, user, allocations, type } = request;
  markHoldings(draft, uuid, { before: before?.allocations ?? {}, after: allocations });
  if (Object.keys(allocations).length === 0) {
    if (before) draft.delete('consumer', uuid);
    return;
  }
  if (type !== undefined) ensureType(draft, type);
  draft.put('consumer', uuid, {
    uuid,
    generation: (before?.generation ?? 0) + 1,
    project,
    user,
    type: type ?? before?.type ?? null,
    allocations,
    createdAt: before?.createdAt ?? draft.now,
    updatedAt: draft.now,
  });
};

/** Keeps a key for each provider that a consumer holds something of. */
export const markHoldings = (
  draft: Draft,
  consumer: string,
  { before, after }: Record<'before' | 'after', Consumer['allocations']>,
): void => {
  for (const provider of Object.keys(before))
    if (!Object.hasOwn(after, provider)) draft.mark('holding', `${provider}/${consumer}`, false);
  for (const provider of Object.keys(after))
    if (!Object.hasOwn(before, provider)) draft.mark('holding', `${provider}/${consumer}`, true);
};

/** A type is never deleted, so one that is known needs no guard. */
const ensureType = (draft: Draft, type: string): void => {
  if (!draft.peek('type', type)) draft.put('type', type, { createdAt: draft.now, updatedAt: draft.now });
};

/** What is held of all providers together, amount by amount. */
export function* listAmounts(allocations: Readonly<Record<string, Amounts>>): Iterable<HeldAmount> {
  for (const [provider, amounts] of Object.entries(allocations))
    for (const [resourceClass, amount] of Object.entries(amounts)) yield { provider, resourceClass, amount };
}

export interface HeldAmount {
  readonly provider: string;
  readonly resourceClass: string;
  readonly amount: number;
}
