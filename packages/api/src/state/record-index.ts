import type { Change, MirrorIndex } from '@etcd-compute/common/etcd/mirror';
import { MultiMap } from '@etcd-compute/common/multi-map';
import { parseRecordKey } from './keys.js';
import type { Kind, Kinds } from './kinds.js';
import type { View } from './view.js';

/** A record that cannot be read: a newer program wrote it, or somebody's hand. */
export interface Unreadable {
  readonly key: string;
  readonly reason: string;
}

interface Table<T> {
  readonly kind: Kind<T>;
  readonly records: Map<string, T>;
  readonly related: MultiMap;
}

type Tables<R> = { readonly [N in keyof R & string]: Table<R[N]> };

/** All records of a service, with the relations that are asked for. */
export class RecordIndex<R> implements View<R>, MirrorIndex {
  readonly #onUnreadable: (unreadable: Unreadable) => void;
  readonly #tables: Tables<R>;

  /** @param onUnreadable what cannot be read counts as not there. */
  constructor(kinds: Kinds<R>, onUnreadable: (unreadable: Unreadable) => void = () => undefined) {
    this.#onUnreadable = onUnreadable;
    const tables = Object.entries(kinds).map(([name, kind]) => [
      name,
      { kind, records: new Map(), related: new MultiMap() },
    ]);
    // eslint-disable-next-line typescript/no-unsafe-type-assertion -- there is one for each kind
    this.#tables = Object.fromEntries(tables) as Tables<R>;
  }

  apply({ key, value }: Pick<Change, 'key' | 'value'>): void {
    const { kind, id } = parseRecordKey(key) ?? {};
    if (kind !== undefined && id !== undefined && this.#isKind(kind)) this.#set(this.#tables[kind], { key, id, value });
  }

  get<N extends keyof R & string>(kind: N, id: string): R[N] | undefined {
    return this.#tables[kind].records.get(id);
  }

  list<N extends keyof R & string>(kind: N): readonly R[N][] {
    return [...this.#tables[kind].records].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, record]) => record);
  }

  related<N extends keyof R & string>(kind: N, relation: string): readonly R[N][] {
    const ids = [...this.#tables[kind].related.get(relation)].toSorted();
    return ids.map((id) => this.get(kind, id)).filter((record) => record !== undefined);
  }

  #isKind(name: string): name is keyof R & string {
    return Object.hasOwn(this.#tables, name);
  }

  #set<T>(
    { kind, records, related }: Table<T>,
    { key, id, value }: { key: string; id: string; value: string | undefined },
  ): void {
    const relationsOf = (record: T | undefined): readonly string[] =>
      record === undefined ? [] : (kind.relationsOf?.(record) ?? []);
    const after = value === undefined ? undefined : this.#read(kind, { key, id, value });
    related.replace(id, relationsOf(records.get(id)), relationsOf(after));
    if (after === undefined) records.delete(id);
    else records.set(id, after);
  }

  #read<T>(kind: Kind<T>, { key, id, value }: { key: string; id: string; value: string }): T | undefined {
    const fail = (reason: string): undefined => this.#onUnreadable({ key, reason }) ?? undefined;
    try {
      const parsed = kind.schema.safeParse(JSON.parse(value));
      if (!parsed.success) return fail(parsed.error.message);
      return kind.idOf(parsed.data) === id ? parsed.data : fail('it is about another one than its key');
    } catch (err) {
      return fail(String(err));
    }
  }
}
