import { isDeepStrictEqual } from 'node:util';
import type { Inventory } from '../model/entities.js';
import { type ConsumerContent, type Content, customOf, type ProviderContent } from './content.js';

export interface CompareOptions {
  /** False where generations were made anew. */
  readonly hasGenerations: boolean;
  /** What the two are called: `here`, `there`. */
  readonly names: readonly [string, string];
}

/** @returns a line for each difference; none when nothing differs but times. */
export const compareContents = (one: Content, other: Content, options: CompareOptions): readonly string[] => [
  ...onlyOnOneSide('resource class', setsOf(one.classes, other.classes), options),
  ...onlyOnOneSide('trait', setsOf(one.traits, other.traits), options),
  ...differing('resource provider', [one.providers, other.providers], { facts: providerFacts, ...options }),
  ...differing('consumer', [one.consumers, other.consumers], { facts: consumerFacts, ...options }),
];

const setsOf = (one: ReadonlySet<string>, other: ReadonlySet<string>) =>
  [new Set(customOf(one)), new Set(customOf(other))] as const;

function* onlyOnOneSide(
  kind: string,
  [one, other]: readonly [Keyed, Keyed],
  { names: [oneName, otherName] }: CompareOptions,
): Iterable<string> {
  for (const key of one.keys()) if (!other.has(key)) yield `${kind} ${key} is only ${oneName}`;
  for (const key of other.keys()) if (!one.has(key)) yield `${kind} ${key} is only ${otherName}`;
}

type Keyed = Pick<ReadonlyMap<string, unknown>, 'keys' | 'has'>;
type Facts = Readonly<Record<string, unknown>>;

function* differing<T>(
  kind: string,
  [one, other]: readonly [ReadonlyMap<string, T>, ReadonlyMap<string, T>],
  options: CompareOptions & { readonly facts: (item: T, options: CompareOptions) => Facts },
): Iterable<string> {
  const { facts, names } = options;
  yield* onlyOnOneSide(kind, [one, other], options);
  for (const [uuid, item] of one) {
    const counterpart = other.get(uuid);
    if (counterpart === undefined) continue;
    const theirs = facts(counterpart, options);
    for (const [name, fact] of Object.entries(facts(item, options)))
      if (!isDeepStrictEqual(fact, theirs[name]))
        yield `${kind} ${uuid}: ${name} is ${show(fact)} ${names[0]} and ${show(theirs[name])} ${names[1]}`;
  }
}

const providerFacts = (provider: ProviderContent, { hasGenerations }: CompareOptions): Facts => ({
  name: provider.name,
  parent: provider.parent,
  ...inventoryFacts(provider.inventories),
  traits: provider.traits.toSorted(),
  aggregates: provider.aggregates.toSorted(),
  ...(hasGenerations && { generation: provider.generation }),
});

const inventoryFacts = (inventories: Readonly<Record<string, Inventory>>): Facts => ({
  inventories: Object.keys(inventories).toSorted(),
  ...Object.fromEntries(
    Object.entries(inventories).map(([name, inventory]) => [`inventory of ${name}`, comparable(inventory)]),
  ),
});

/** Databases keep ratios with 24 bits. */
const comparable = (inventory: Inventory): Inventory => ({
  ...inventory,
  allocation_ratio: Math.fround(inventory.allocation_ratio),
});

const consumerFacts = (consumer: ConsumerContent, { hasGenerations }: CompareOptions): Facts => ({
  project: consumer.project,
  user: consumer.user,
  type: consumer.type,
  allocations: consumer.allocations,
  ...(hasGenerations && { generation: consumer.generation }),
});

const show = (fact: unknown): string => JSON.stringify(fact) ?? 'nothing';
