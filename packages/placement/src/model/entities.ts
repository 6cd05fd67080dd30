/** How much of a resource class a provider has. https://docs.openstack.org/api-ref/placement/#resource-provider-inventories */
export interface Inventory {
  readonly total: number;
  readonly reserved: number;
  readonly min_unit: number;
  readonly max_unit: number;
  readonly step_size: number;
  readonly allocation_ratio: number;
}

/** What was recorded when; milliseconds since 1970. */
export interface Times {
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** Amounts by resource class. */
export type Amounts = Readonly<Record<string, number>>;

/** What a provider is and offers. Its root is not stored: it follows from the parents. */
export interface Provider extends Times {
  readonly uuid: string;
  readonly name: string;
  readonly parent: string | null;
  readonly inventories: Readonly<Record<string, Inventory>>;
  readonly traits: readonly string[];
  readonly aggregates: readonly string[];
}

/** What changes with every allocation. Each write to a provider that counts its generation up writes this, so to guard it is enough. */
export interface ProviderUsage {
  readonly generation: number;
  readonly used: Amounts;
}

export interface Consumer extends Times {
  readonly uuid: string;
  readonly generation: number;
  readonly project: string;
  readonly user: string;
  /** Null when it was allocated by a microversion without types; such a consumer is shown as `unknown`. */
  readonly type: string | null;
  /** By provider. A consumer exists only while it holds something. */
  readonly allocations: Readonly<Record<string, Amounts>>;
}

/**
 * Everything that is stored, by kind. A `name` tells whose the name is, a `child` is called `PARENT/CHILD`. The standard resource classes
 * and traits are not stored.
 */
export interface Entities {
  readonly provider: Provider;
  readonly usage: ProviderUsage;
  readonly name: { readonly uuid: string };
  readonly child: Readonly<Record<string, never>>;
  readonly consumer: Consumer;
  readonly class: Times;
  readonly trait: Times;
  readonly type: Times;
}

export type Kind = keyof Entities;
