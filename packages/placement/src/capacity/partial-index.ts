import { PlacementIndex } from '../index/placement-index.js';
import type { Consumer, Entities, Kind, Provider, ProviderUsage, Times } from '../model/entities.js';
import { keyOf, prefixOf } from '../model/keys.js';

/**
 * An index of what one decision needs. What is asked for and was not read yet is noted and taken for absent: the caller reads it and asks
 * anew, until nothing is missing.
 */
export class PartialIndex extends PlacementIndex {
  readonly #known = new Set<string>();
  readonly #knownPrefixes = new Set<string>();
  readonly #missing = new Set<string>();
  readonly #missingPrefixes = new Set<string>();

  /** To be called for a key that was read, whether or not it is there. */
  addKey(key: string): void {
    this.#known.add(key);
  }

  /** To be called once all that is under a prefix was read. */
  addPrefix(prefix: string): void {
    this.#knownPrefixes.add(prefix);
  }

  /** What was asked for and is not known, and forgets it. */
  takeMissing(): { readonly keys: readonly string[]; readonly prefixes: readonly string[] } {
    const taken = { keys: [...this.#missing], prefixes: [...this.#missingPrefixes] };
    this.#missing.clear();
    this.#missingPrefixes.clear();
    return taken;
  }

  #need(key: string): void {
    if (this.#known.has(key)) return;
    const room = key.slice(0, key.indexOf('/') + 1);
    if (!this.#knownPrefixes.has(room)) this.#missing.add(key);
  }

  #needAll(prefix: string): void {
    if (!this.#knownPrefixes.has(prefix)) this.#missingPrefixes.add(prefix);
  }

  override get<K extends Kind>(kind: K, id: string): Entities[K] | undefined {
    this.#need(keyOf(kind, id));
    return super.get(kind, id);
  }

  override revisionOf(key: string): bigint {
    this.#need(key);
    return super.revisionOf(key);
  }

  override provider(uuid: string): Provider | undefined {
    this.#need(keyOf('provider', uuid));
    return super.provider(uuid);
  }

  override usage(uuid: string): ProviderUsage {
    this.#need(keyOf('usage', uuid));
    return super.usage(uuid);
  }

  override consumer(uuid: string): Consumer | undefined {
    this.#need(keyOf('consumer', uuid));
    return super.consumer(uuid);
  }

  override providerNamed(name: string): Provider | undefined {
    const owner = this.get('name', name);
    return owner && this.provider(owner.uuid);
  }

  override customClasses(): ReadonlyMap<string, Times> {
    this.#needAll(prefixOf('class'));
    return super.customClasses();
  }

  override customTraits(): ReadonlyMap<string, Times> {
    this.#needAll(prefixOf('trait'));
    return super.customTraits();
  }

  override consumerTypes(): ReadonlyMap<string, Times> {
    this.#needAll(prefixOf('type'));
    return super.consumerTypes();
  }
}
