import { randomUUID } from 'node:crypto';
import { findCandidates } from '../engine/candidates/find-candidates.js';
import type { CandidatesRequest, FoundCandidates } from '../engine/candidates/request.js';
import type { View } from '../index/view.js';
import { keyOf, markerKeyOf, prefixOf } from '../model/keys.js';
import { PartialIndex } from './partial-index.js';
import { readKeys, readPrefix, type Room } from './read-into.js';

export interface Found extends FoundCandidates {
  /** Knows the providers of the candidates. */
  readonly view: View;
}

/** Enough for a choice, and few milliseconds to read. It doubles where there is little room. */
const FIRST_WINDOW = 32;
/** Providers take up to 4 kB each, and a reply of etcd may have 4 MB. */
const LARGEST_WINDOW = 512;

/**
 * Looks for candidates among some providers, chosen at random, and among more until there are enough or none is left. So a decision costs the
 * same in a cloud of ten hosts and of ten thousand. Where providers form trees or share, or several groups are asked for, all are read.
 */
export const findInWindows = async (room: Room, request: CandidatesRequest): Promise<Found> => {
  const most = request.limit ?? Infinity;
  const index = new PartialIndex();
  const options = { random: Math.random };
  if (!isFlat(request) || (await hasRelations(room))) {
    await readPrefix(room, index, prefixOf('provider'));
    await readPrefix(room, index, prefixOf('usage'));
    return { ...findCandidates(index, request, options), view: index };
  }
  let from: string = randomUUID();
  for (let size = FIRST_WINDOW; ; size = Math.min(2 * size, LARGEST_WINDOW)) {
    const next = await readWindow(room, index, { size, from });
    const found = findCandidates(index, request, options);
    if (found.candidates.length >= most || next === undefined) return { ...found, view: index };
    from = next;
  }
};

const isFlat = ({ groups, sameSubtrees }: CandidatesRequest): boolean =>
  groups.size === 1 && sameSubtrees.length === 0 && groups.get('')?.inTree === undefined && groups.has('');

const hasRelations = async ({ store, prefix }: Room): Promise<boolean> => {
  const counts = await Promise.all(
    [prefixOf('child'), markerKeyOf('sharing', '')].map((one) => store.count(prefix + one)),
  );
  return counts.some((count) => count > 0);
};

interface Window {
  readonly size: number;
  /** The uuid, or a text before it, to begin with. */
  readonly from: string;
}

/** @returns where the next window begins; undefined when all were read. */
const readWindow = async (
  { store, prefix }: Room,
  index: PartialIndex,
  { size, from }: Window,
): Promise<string | undefined> => {
  const under = prefix + prefixOf('provider');
  // A provider is read together with what is used of it.
  const entries = await store.someKeys(under, { limit: size, from: under + from });
  const uuids = entries.map(({ key }) => key.slice(under.length));
  const fresh = uuids.filter((uuid) => index.get('provider', uuid) === undefined);
  index.takeMissing();
  await readKeys(
    { store, prefix },
    index,
    fresh.map((uuid) => keyOf('usage', uuid)),
  );
  const isAround = entries.length < size || fresh.length < uuids.length;
  // The first key after the last one.
  return isAround ? undefined : `${uuids.at(-1) ?? ''}\0`;
};
