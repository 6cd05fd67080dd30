import { EventEmitter } from 'node:events';
import type { Presence } from '@etcd-compute/common/etcd/messages/presence';
import type { InstanceUuid } from '@etcd-compute/common/ids';

/**
 * What happens on this host. The parts of the agent tell each other by these events, so each part is made complete, from parts that are
 * there before it. An event is a hint: a part that is made later reads the state itself.
 */
export interface HostEventMap {
  /** Something of this instance may need work. */
  wake: [instance: InstanceUuid];
  /** A domain has changed. */
  domain: [instance: InstanceUuid];
  'guest-agent': [instance: InstanceUuid, isConnected: boolean];
  /** There is a new connection to libvirt, and the host is in order. */
  'libvirt-up': [];
  /** `isFirst`: the connection was up until now. Most often it is back at once. */
  'libvirt-down': [err: Error, details: { readonly isFirst: boolean }];
  /** Null: the host can work again. */
  trouble: [trouble: Presence['trouble']];
  /** The presence was lost and is back: whatever else was under its lease must be written again. */
  'presence-renewed': [];
}

export type HostEvents = EventEmitter<HostEventMap>;

export const createHostEvents = (): HostEvents => new EventEmitter<HostEventMap>();
