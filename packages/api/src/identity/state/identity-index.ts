import type { Change, MirrorIndex } from '@etcd-compute/common/etcd/mirror';
import { MultiMap } from '@etcd-compute/common/multi-map';
import { idOf, SCHEMAS, type Assignment, type Credential, type Group, type Kind, type Records } from './entities.js';
import { parseRecordKey } from './keys.js';
import type { Named, View } from './view.js';

/** A record that cannot be read: a newer program wrote it, or somebody's hand. */
export interface Unreadable {
  readonly key: string;
  readonly reason: string;
}

type Tables = { readonly [K in Kind]: Map<string, Records[K]> };

/** Everything that is stored, with the relations that are asked for. */
export class IdentityIndex implements View, MirrorIndex {
  readonly #onUnreadable: (unreadable: Unreadable) => void;
  readonly #tables: Tables = {
    domain: new Map(),
    project: new Map(),
    user: new Map(),
    password: new Map(),
    group: new Map(),
    membership: new Map(),
    role: new Map(),
    assignment: new Map(),
    credential: new Map(),
  };
  readonly #related = new MultiMap();

  /** @param onUnreadable what cannot be read counts as not there. */
  constructor(onUnreadable: (unreadable: Unreadable) => void = () => undefined) {
    this.#onUnreadable = onUnreadable;
  }

  apply({ key, value }: Pick<Change, 'key' | 'value'>): void {
    const parsed = parseRecordKey(key);
    if (parsed) this.#set(parsed.kind, { key, id: parsed.id, value });
  }

  get<K extends Kind>(kind: K, id: string): Records[K] | undefined {
    return this.#tables[kind].get(id);
  }

  list<K extends Kind>(kind: K): readonly Records[K][] {
    return [...this.#tables[kind]].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, record]) => record);
  }

  named<K extends Named>(kind: K, name: string, domain = ''): Records[K] | undefined {
    const [id] = this.#related.get(nameRelation(kind, name, domain));
    return id === undefined ? undefined : this.get(kind, id);
  }

  assignmentsOf(actor: Assignment['actor'], id: string): readonly Assignment[] {
    return this.#relatedTo('assignment', `assignments/${actor}/${id}`);
  }

  groupsOf(user: string): readonly Group[] {
    const memberships = this.#relatedTo('membership', `memberships/${user}`);
    return memberships.map(({ group }) => this.get('group', group)).filter((group) => group !== undefined);
  }

  credentialsOf(user: string): readonly Credential[] {
    return this.#relatedTo('credential', `credentials/${user}`);
  }

  // eslint-disable-next-line typescript/no-unnecessary-type-parameters -- the record and its table are of the same kind
  #set<K extends Kind>(kind: K, { key, id, value }: { key: string; id: string; value: string | undefined }): void {
    const table: Map<string, Records[K]> = this.#tables[kind];
    const before = table.get(id);
    const after = value === undefined ? undefined : this.#read(kind, { key, id, value });
    this.#related.replace(id, before ? relationsOf(kind, before) : [], after ? relationsOf(kind, after) : []);
    if (after) table.set(id, after);
    else table.delete(id);
  }

  #read<K extends Kind>(
    kind: K,
    { key, id, value }: { key: string; id: string; value: string },
  ): Records[K] | undefined {
    const fail = (reason: string): undefined => this.#onUnreadable({ key, reason }) ?? undefined;
    try {
      const parsed = SCHEMAS[kind].safeParse(JSON.parse(value));
      if (!parsed.success) return fail(parsed.error.message);
      // eslint-disable-next-line typescript/no-unsafe-type-assertion -- the schema is that of the kind
      const record = parsed.data as Records[K];
      return idOf(kind, record) === id ? record : fail('it is about another one than its key');
    } catch (err) {
      return fail(String(err));
    }
  }

  #relatedTo<K extends Kind>(kind: K, relation: string): readonly Records[K][] {
    return [...this.#related.get(relation)].map((id) => this.get(kind, id)).filter((record) => record !== undefined);
  }
}

const nameRelation = (kind: Named, name: string, domain: string): string => `names/${kind}/${domain}/${name}`;

const relations: { readonly [K in Kind]: (record: Records[K]) => readonly string[] } = {
  domain: ({ name }) => [nameRelation('domain', name, '')],
  project: ({ name, domain }) => [nameRelation('project', name, domain)],
  user: ({ name, domain }) => [nameRelation('user', name, domain)],
  password: () => [],
  group: ({ name, domain }) => [nameRelation('group', name, domain)],
  membership: ({ user }) => [`memberships/${user}`],
  role: ({ name }) => [nameRelation('role', name, '')],
  assignment: ({ actor, actor_id }) => [`assignments/${actor}/${actor_id}`],
  credential: ({ user }) => [`credentials/${user}`],
};

const relationsOf = <K extends Kind>(kind: K, record: Records[K]): readonly string[] => relations[kind](record);
