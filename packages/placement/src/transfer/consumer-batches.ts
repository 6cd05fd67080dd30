import { isDeepStrictEqual } from 'node:util';
import type { ConsumerContent } from './content.js';

/** In one request, which is allocated as a whole or not at all. */
const BATCH = 50;

/** Consumers that can be written by one request: those without a type need an older microversion than the others. */
export const inBatches = (consumers: readonly ConsumerContent[]): readonly (readonly ConsumerContent[])[] =>
  [consumers.filter(({ type }) => type !== null), consumers.filter(({ type }) => type === null)].flatMap((alike) =>
    Array.from({ length: Math.ceil(alike.length / BATCH) }, (_, index) =>
      alike.slice(index * BATCH, (index + 1) * BATCH),
    ),
  );

export const isSameConsumer = (one: ConsumerContent, other: ConsumerContent | undefined): boolean =>
  other !== undefined &&
  one.project === other.project &&
  one.user === other.user &&
  one.type === other.type &&
  isDeepStrictEqual(one.allocations, other.allocations);
