import type { Consumer, Provider, ProviderUsage, Times } from '../model/entities.js';

/** All of Placement's state, in memory, as reads and plans see it. Lookups by relation cost as much as they return. */
export interface View {
  readonly provider: (uuid: string) => Provider | undefined;
  readonly providers: () => Iterable<Provider>;
  readonly providerCount: () => number;
  readonly providerNamed: (name: string) => Provider | undefined;
  /** Generation 0 and nothing used when there is none. */
  readonly usage: (uuid: string) => ProviderUsage;
  readonly childrenOf: (uuid: string) => ReadonlySet<string>;
  /** The top of a provider's tree; the provider itself when it has no parent. */
  readonly rootOf: (uuid: string) => string;
  /** A provider and all that are below it, parents first. */
  readonly subtreeOf: (uuid: string) => readonly string[];
  readonly inAggregate: (aggregate: string) => ReadonlySet<string>;
  readonly withTrait: (trait: string) => ReadonlySet<string>;
  /** Providers that have an inventory of a resource class. */
  readonly withInventory: (resourceClass: string) => ReadonlySet<string>;
  readonly consumer: (uuid: string) => Consumer | undefined;
  readonly consumers: () => Iterable<Consumer>;
  readonly consumersOn: (provider: string) => ReadonlySet<string>;
  readonly consumersOfProject: (project: string) => ReadonlySet<string>;
  /** Only those that users made. */
  readonly customClasses: () => ReadonlyMap<string, Times>;
  readonly customTraits: () => ReadonlyMap<string, Times>;
  readonly consumerTypes: () => ReadonlyMap<string, Times>;
}
