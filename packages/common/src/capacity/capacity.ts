import type { Guard, Write } from '../etcd/store.js';
import type { InstanceUuid, ProviderUuid } from '../ids.js';

/** Amounts by resource class: `{VCPU: 1, MEMORY_MB: 256}`. */
export type Resources = Readonly<Record<string, number>>;

/** What is taken, by the provider that it is taken from: mostly the host alone. */
export type Allocations = Readonly<Record<string, { readonly resources: Readonly<Record<string, number>> }>>;

/** What an instance needs of a host. */
export interface Want {
  readonly resources: Resources;
  /** Traits that the host must have, and those that it must not have. */
  readonly required?: readonly string[];
  readonly forbidden?: readonly string[];
  /** Aggregates in Placement's words: a uuid, `in:UUID,UUID` for any of several, `!UUID` for none of it. */
  readonly memberOf?: readonly string[];
  /** A whole query of Placement, which replaces the rest: that is then only what is understood of it. */
  readonly query?: string;
}

/** One way to place an instance. */
export interface Candidate {
  readonly host: ProviderUuid;
  readonly allocations: Allocations;
  /** Placement's, to be given back to it. */
  readonly mappings?: unknown;
}

/** What may be used of a provider, and what is used, by resource class. */
export type Room = Readonly<Record<string, { readonly capacity: number; readonly used: number }>>;

export interface Candidates {
  readonly candidates: readonly Candidate[];
  /** By provider; one that is not in it is left to the judgement of `allocate`. */
  readonly rooms: ReadonlyMap<string, Room>;
}

export interface NewAllocation {
  readonly instance: InstanceUuid;
  readonly allocations: Allocations;
  readonly mappings?: unknown;
  readonly userId: string;
  readonly projectId: string;
}

/**
 * What a transaction must contain for a change of room to count: it goes together with what the room is for. Empty where the capacity has
 * recorded the change already.
 */
export interface Claim {
  readonly guards: readonly Guard[];
  readonly writes: readonly Write[];
}

export type AllocateResult =
  /** The claim is for all requests together. */
  | { readonly outcome: 'allocated'; readonly claim: Claim }
  /** `busy`: others allocate there at this moment, and there may well be room. Of several, which one is not told. */
  | { readonly outcome: 'no-room' | 'busy'; readonly err: Error };

/** What a consumer holds. */
export interface Held {
  readonly allocations: Allocations;
  readonly generation: number | null;
  readonly userId: string | undefined;
  readonly projectId: string | undefined;
  /** As Placement calls it, from microversion 1.38 on. */
  readonly consumerType: string | undefined;
  /** When it was allocated last, by the capacity's own clock; now when nothing is held. In whole seconds. */
  readonly since: Date | undefined;
}

/** An amount of a resource that a host has. https://docs.openstack.org/api-ref/placement/#resource-provider-inventories */
export interface Inventory {
  readonly total: number;
  readonly reserved: number;
  readonly allocation_ratio: number;
  readonly min_unit: number;
  readonly max_unit: number;
  readonly step_size: number;
}

/** What is known about a host, as far as it decides on room. */
export interface HostFacts {
  readonly inventories: Readonly<Record<string, Inventory>>;
  readonly usages: Resources;
  readonly traits: readonly string[];
  /** Empty when they were not asked for. */
  readonly aggregates: readonly string[];
}

/** What a host has to offer. */
export interface HostOffer {
  readonly name: string;
  readonly inventories: Readonly<Record<string, Omit<Inventory, 'min_unit' | 'step_size'>>>;
  readonly traits: readonly string[];
  readonly aggregates: readonly string[];
}

export interface KnownHost {
  readonly uuid: ProviderUuid;
  readonly name: string;
}

/**
 * Who may use how much of which host: the only authority on it. Nobody else imports a backend.
 *
 * What fails for reasons of the service throws an `EcomputeError`; `isCapacityTrouble` tells whether it says nothing about what was asked.
 */
export interface Capacity {
  /** For messages. */
  readonly endpoint: string;
  /** Whether a change of room counts only when its claim is written. Then nothing is held in between, and nothing is to be taken back. */
  readonly isTransactional: boolean;
  /** Writes a claim by itself. @returns false when the room has changed meanwhile, and nothing was written: claim anew. */
  readonly settle: (claim: Claim) => Promise<boolean>;
  /**
   * Runs what claims room of one host and writes the claim: within this process one after the other, where the next one would find that the
   * room has changed. Not to be nested.
   */
  readonly inTurn: <T>(claimAndWrite: () => Promise<T>) => Promise<T>;
  /** Ways to place an instance, `limit` at most. */
  readonly candidates: (want: Want, limit: number) => Promise<Candidates>;
  /** Takes room for new consumers, for all of them or for none. */
  readonly allocate: (requests: readonly NewAllocation[]) => Promise<AllocateResult>;
  /** Replaces what a consumer holds. @returns `changed` when that was no longer what was read. */
  readonly reallocate: (
    consumer: InstanceUuid,
    change: { readonly held: Held; readonly allocations: Allocations },
  ) => Promise<AllocateResult | { readonly outcome: 'changed' }>;
  /** What a consumer holds; empty `allocations` when nothing. */
  readonly read: (consumer: InstanceUuid) => Promise<Held>;
  /** Releases all that a consumer holds, or only what was read. @returns `changed` when that was no longer what was read. */
  readonly release: (consumer: InstanceUuid, held?: Held) => Promise<'released' | 'changed'>;
  /** As `release` of all that it holds, to be written together with the end of what it was for. */
  readonly releaseWith: (consumer: InstanceUuid) => Promise<Claim>;
  /** What each consumer holds on a host. */
  readonly consumersOn: (host: ProviderUuid) => Promise<ReadonlyMap<InstanceUuid, Resources>>;
  /** What time it is for `since`. */
  readonly now: () => Promise<Date | undefined>;
  /** Whether the service answers, and takes our credentials. @throws EcomputeError when it does not. */
  readonly check: (host: ProviderUuid) => Promise<void>;
  readonly hosts: () => Promise<readonly KnownHost[]>;
  readonly describeHost: (host: ProviderUuid, options?: { readonly hasAggregates?: boolean }) => Promise<HostFacts>;
  /** Grows with every change of what a host offers and of what is held there; undefined when there is no such host. */
  readonly generationOf: (host: ProviderUuid) => Promise<number | undefined>;
  /** Makes known what a host offers. Repeatable; writes only what differs, and keeps what others have added. @returns whether it wrote. */
  readonly publish: (host: ProviderUuid, offer: HostOffer) => Promise<boolean>;
  /** Removes a host with its inventories, traits and aggregates. Repeatable. @returns `in-use` while anything is allocated there. */
  readonly remove: (host: ProviderUuid) => Promise<'removed' | 'in-use'>;
  readonly close: () => void;
}
