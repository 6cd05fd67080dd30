import type { InstanceRecord } from '@etcd-compute/common/etcd/messages/instance-record';
import type { Guard, Write } from '@etcd-compute/common/etcd/store';
import type { ProviderUuid } from '@etcd-compute/common/ids';

/** What a caller has written in the txn of an instance, and what must not have changed for it. */
export interface Along {
  readonly guards: readonly Guard[];
  readonly writes: readonly Write[];
}

/** The host does not do for a reason of the caller's: another one is tried. */
interface HostRefused {
  readonly refused: string;
}

/**
 * Called before each try to write an instance with the record that it will have, so it reads what is there then: when a guard fails,
 * it is asked again. What it throws ends the placing of that instance, with nothing left behind.
 */
export type PlanAlong = (record: InstanceRecord) => Promise<Along | HostRefused>;

/** What binds an instance to some hosts for reasons of the caller's. Nobody else knows them, so nobody else may move it on. */
export interface Binding {
  /** Why a host does not do; undefined when it does. */
  readonly refuses?: ((host: ProviderUuid) => string | undefined) | undefined;
  /** What is written in the same txn. */
  readonly along?: PlanAlong | undefined;
}

export const both = (one: Along, other: Along): Along => ({
  guards: [...one.guards, ...other.guards],
  writes: [...one.writes, ...other.writes],
});
