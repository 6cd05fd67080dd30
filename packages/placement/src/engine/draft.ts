import type { PlacementIndex } from '../index/placement-index.js';
import type { View } from '../index/view.js';
import type { Entities, Kind } from '../model/entities.js';
import { keyOf, type Marker, markerKeyOf, prefixOf } from '../model/keys.js';

/** What must still be so for a plan to hold. Keys are relative to the store's prefix. */
export interface PlanGuards {
  /** The revision of each key that was read; 0 when it was not there. */
  readonly keys: ReadonlyMap<string, bigint>;
  /** Prefixes that nothing may stand under. */
  readonly empty: ReadonlySet<string>;
  /** Prefixes under which nothing may have been added or changed since what the index holds. Deletions are not noticed. */
  readonly unchanged: ReadonlySet<string>;
}

/** One transaction: what it rests on, and what it writes. An undefined value is a deletion. */
export interface Plan {
  readonly guards: PlanGuards;
  readonly writes: ReadonlyMap<string, string | undefined>;
}

/**
 * What a write reads and writes, gathered while it is planned. What is read through `get` is guarded; what is read through `view` is not,
 * and does not see this draft's own writes.
 */
export class Draft {
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly #index: PlacementIndex;
  readonly #guards = new Map<string, bigint>();
  readonly #empty = new Set<string>();
  readonly #unchanged = new Set<string>();
  readonly #written = new Map<string, unknown>();

  constructor(index: PlacementIndex, now: number) {
    this.#index = index;
    this.now = now;
  }

  get view(): View {
    return this.#index;
  }

  /** As this draft has left it. It must still be so when the transaction is committed. */
  get<K extends Kind>(kind: K, id: string): Entities[K] | undefined {
    const key = keyOf(kind, id);
    if (!this.#written.has(key)) this.#guard(key);
    return this.peek(kind, id);
  }

  /** As this draft has left it, without a guard: for what is vouched for by the guard of another key. */
  peek<K extends Kind>(kind: K, id: string): Entities[K] | undefined {
    const key = keyOf(kind, id);
    // eslint-disable-next-line typescript/no-unsafe-type-assertion -- it is keyed by kind and id, so what is in it is of this kind
    return this.#written.has(key) ? (this.#written.get(key) as Entities[K] | undefined) : this.#index.get(kind, id);
  }

  /** Also guards the key, so nothing is overwritten unseen. */
  put<K extends Kind>(kind: K, id: string, entity: Entities[K]): void {
    this.#write(keyOf(kind, id), entity);
  }

  delete(kind: Kind, id: string): void {
    this.#write(keyOf(kind, id), undefined);
  }

  /** Writes or deletes a key that repeats what an entity says. To be called with each write of that entity that matters to it. */
  mark(marker: Marker, id: string, isThere: boolean): void {
    this.#written.set(markerKeyOf(marker, id), isThere ? {} : undefined);
  }

  /** Nothing of a kind may have an id that starts so when the transaction is committed. */
  guardNone(kind: Kind, start: string): void {
    this.#empty.add(prefixOf(kind, start));
  }

  /** Nothing of a kind may have been added or changed since this was planned. */
  guardAll(kind: Kind): void {
    this.#unchanged.add(prefixOf(kind));
  }

  get plan(): Plan {
    return {
      guards: { keys: this.#guards, empty: this.#empty, unchanged: this.#unchanged },
      writes: new Map(
        [...this.#written].map(([key, entity]) => [key, entity === undefined ? undefined : JSON.stringify(entity)]),
      ),
    };
  }

  #write(key: string, entity: unknown): void {
    this.#guard(key);
    this.#written.set(key, entity);
  }

  #guard(key: string): void {
    if (!this.#guards.has(key)) this.#guards.set(key, this.#index.revisionOf(key));
  }
}
