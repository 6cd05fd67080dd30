import type { Kind } from './entities.js';

/** Keys are relative to the store's prefix. One letter or two: a cloud has hundreds of thousands of them. */
const ROOMS: Readonly<Record<Kind, string>> = {
  provider: 'p/',
  usage: 'u/',
  name: 'n/',
  child: 'k/',
  consumer: 'c/',
  class: 'rc/',
  trait: 't/',
  type: 'ct/',
};

// eslint-disable-next-line typescript/no-unsafe-type-assertion -- `Object.entries` forgets what the names are
const KINDS = new Map<string, Kind>(Object.entries(ROOMS).map(([kind, room]) => [room, kind as Kind]));

export const keyOf = (kind: Kind, id: string): string => ROOMS[kind] + id;

/**
 * Keys that repeat what entities say, for clients that look at a part of them only. They hold `{}`, and are written together with the
 * entity, whose guard vouches for them. They are no entities: the index does not keep them.
 *
 * - `holding`: a consumer holds something of a provider, `PROVIDER/CONSUMER`.
 * - `sharing`: a provider shares with the other members of its aggregates.
 */
export type Marker = 'holding' | 'sharing';

const MARKER_ROOMS: Readonly<Record<Marker, string>> = { holding: 'a/', sharing: 's/' };

/** A key, or with the start of an id the prefix of several. */
export const markerKeyOf = (marker: Marker, id: string): string => MARKER_ROOMS[marker] + id;

/** The prefix of all of a kind, or of those whose ids start with `start`. */
export const prefixOf = (kind: Kind, start = ''): string => ROOMS[kind] + start;

/** @returns undefined for a key that is no entity's. */
export const parseKey = (key: string): { readonly kind: Kind; readonly id: string } | undefined => {
  const end = key.indexOf('/') + 1;
  const kind = KINDS.get(key.slice(0, end));
  return kind === undefined ? undefined : { kind, id: key.slice(end) };
};
