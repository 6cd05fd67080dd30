import type { Change } from '@etcd-compute/common/etcd/mirror';
import type { Consumer, Entities, Kind, Provider, ProviderUsage, Times } from '../model/entities.js';
import { parseKey } from '../model/keys.js';
import { MultiMap } from '@etcd-compute/common/multi-map';
import type { View } from './view.js';

const NOTHING_USED: ProviderUsage = { generation: 0, used: {} };

/**
 * Everything that is stored, with the relations that are asked for. Changes may come in any order and more than once: each key only moves
 * forwards.
 */
export class PlacementIndex implements View {
  readonly #revisions = new Map<string, bigint>();
  /** When keys were deleted, for as long as an older change of them may arrive: see `forgetDeleted`. */
  readonly #deletions = new Map<string, bigint>();
  readonly #tables: { readonly [K in Kind]: Map<string, Entities[K]> } = {
    provider: new Map<string, Provider>(),
    usage: new Map<string, ProviderUsage>(),
    name: new Map<string, { uuid: string }>(),
    child: new Map<string, Readonly<Record<string, never>>>(),
    consumer: new Map<string, Consumer>(),
    class: new Map<string, Times>(),
    trait: new Map<string, Times>(),
    type: new Map<string, Times>(),
  };
  readonly #children = new MultiMap();
  readonly #aggregates = new MultiMap();
  readonly #traits = new MultiMap();
  readonly #inventories = new MultiMap();
  readonly #consumersOn = new MultiMap();
  readonly #consumersOfProject = new MultiMap();

  /** @returns whether it was news. */
  apply({ key, value, modRevision }: Change): boolean {
    const parsed = parseKey(key);
    if (!parsed || modRevision <= this.revisionOf(key) || modRevision <= (this.#deletions.get(key) ?? 0n)) return false;
    if (value === undefined) {
      this.#revisions.delete(key);
      this.#deletions.set(key, modRevision);
    } else {
      this.#revisions.set(key, modRevision);
      this.#deletions.delete(key);
    }
    this.#set(parsed.kind, parsed.id, value === undefined ? undefined : JSON.parse(value));
    return true;
  }

  /** Shows a key as it would be, while revisions stay as they are. @returns takes it back; the newest must be taken back first. */
  tryOut(key: string, value: string | undefined): () => void {
    const parsed = parseKey(key);
    if (!parsed) return () => undefined;
    const { kind, id } = parsed;
    const before = this.get(kind, id);
    this.#set(kind, id, value === undefined ? undefined : JSON.parse(value));
    return () => this.#set(kind, id, before);
  }

  /** Drops what is only remembered of keys that were deleted up to a revision: no older change may arrive any more. */
  forgetDeleted(upTo: bigint): void {
    for (const [key, revision] of this.#deletions) if (revision <= upTo) this.#deletions.delete(key);
  }

  /** Of the last change of a key; 0 when it is not there. */
  revisionOf(key: string): bigint {
    return this.#revisions.get(key) ?? 0n;
  }

  get<K extends Kind>(kind: K, id: string): Entities[K] | undefined {
    return this.#tables[kind].get(id);
  }

  #set<K extends Kind>(kind: K, id: string, entity: Entities[K] | undefined): void {
    const provider = kind === 'provider' ? this.provider(id) : undefined;
    const consumer = kind === 'consumer' ? this.consumer(id) : undefined;
    if (entity === undefined) this.#tables[kind].delete(id);
    else this.#tables[kind].set(id, entity);
    if (kind === 'provider') this.#relateProvider(id, provider, this.provider(id));
    if (kind === 'consumer') this.#relateConsumer(id, consumer, this.consumer(id));
  }

  #relateProvider(uuid: string, before: Provider | undefined, after: Provider | undefined): void {
    this.#children.replace(uuid, listOf(before?.parent), listOf(after?.parent));
    this.#aggregates.replace(uuid, before?.aggregates ?? [], after?.aggregates ?? []);
    this.#traits.replace(uuid, before?.traits ?? [], after?.traits ?? []);
    this.#inventories.replace(uuid, Object.keys(before?.inventories ?? {}), Object.keys(after?.inventories ?? {}));
  }

  #relateConsumer(uuid: string, before: Consumer | undefined, after: Consumer | undefined): void {
    this.#consumersOn.replace(uuid, Object.keys(before?.allocations ?? {}), Object.keys(after?.allocations ?? {}));
    this.#consumersOfProject.replace(uuid, listOf(before?.project), listOf(after?.project));
  }

  provider(uuid: string): Provider | undefined {
    return this.#tables.provider.get(uuid);
  }

  providers(): Iterable<Provider> {
    return this.#tables.provider.values();
  }

  providerCount(): number {
    return this.#tables.provider.size;
  }

  providerNamed(name: string): Provider | undefined {
    const owner = this.#tables.name.get(name);
    return owner && this.provider(owner.uuid);
  }

  usage(uuid: string): ProviderUsage {
    return this.#tables.usage.get(uuid) ?? NOTHING_USED;
  }

  childrenOf(uuid: string): ReadonlySet<string> {
    return this.#children.get(uuid);
  }

  rootOf(uuid: string): string {
    const seen = new Set<string>();
    let current = uuid;
    for (;;) {
      const parent = this.provider(current)?.parent;
      // While changes of one transaction are applied one by one, a circle may be seen for a moment.
      if (parent === undefined || parent === null || seen.has(parent)) return current;
      seen.add(current);
      current = parent;
    }
  }

  subtreeOf(uuid: string): readonly string[] {
    const found = [uuid];
    // Grows while it is walked.
    for (const current of found) for (const child of this.childrenOf(current)) found.push(child);
    return found;
  }

  inAggregate(aggregate: string): ReadonlySet<string> {
    return this.#aggregates.get(aggregate);
  }

  withTrait(trait: string): ReadonlySet<string> {
    return this.#traits.get(trait);
  }

  withInventory(resourceClass: string): ReadonlySet<string> {
    return this.#inventories.get(resourceClass);
  }

  consumer(uuid: string): Consumer | undefined {
    return this.#tables.consumer.get(uuid);
  }

  consumers(): Iterable<Consumer> {
    return this.#tables.consumer.values();
  }

  consumersOn(provider: string): ReadonlySet<string> {
    return this.#consumersOn.get(provider);
  }

  consumersOfProject(project: string): ReadonlySet<string> {
    return this.#consumersOfProject.get(project);
  }

  customClasses(): ReadonlyMap<string, Times> {
    return this.#tables.class;
  }

  customTraits(): ReadonlyMap<string, Times> {
    return this.#tables.trait;
  }

  consumerTypes(): ReadonlyMap<string, Times> {
    return this.#tables.type;
  }
}

const listOf = (value: string | null | undefined): readonly string[] =>
  value === null || value === undefined ? [] : [value];
