/** All that can go wrong, and at whom: `client` is an agent's or the `eschedule`s' way to the servers. */
export type FaultTarget = 'agent' | 'operation' | 'member' | 'client' | 'eapi' | 'none';

export interface FaultSpec {
  readonly target: FaultTarget;
  /** How often, beside the others. */
  readonly weight: number;
  /** How long it lasts, in milliseconds; 0 where it is over at once. */
  readonly lasts: readonly [least: number, most: number];
  /**
   * Left out: with real guests and with libvirt's test driver, which keeps its domains in the daemon's memory. `service`: where a Placement
   * service counts room. `eapi`: where there is one.
   */
  readonly only?: 'guests' | 'simulated' | 'service' | 'eapi';
}

const MOMENT = [0, 0] as const;
const SHORT = [300, 2000] as const;
/** Beyond the deadline of a question to libvirt or to an image server, now and then. */
const LONG = [1000, 9000] as const;

/** An eapi is taken for gone when it says nothing for 15 s. */
const BEYOND_LEASES = [16_000, 18_000] as const;

export const FAULTS = {
  'agent-killed': { target: 'agent', weight: 6, lasts: MOMENT },
  'agent-paused': { target: 'agent', weight: 3, lasts: SHORT },
  'agent-restarted': { target: 'agent', weight: 2, lasts: MOMENT },
  'agent-replaced': { target: 'agent', weight: 1, lasts: [4500, 5500] },
  'eschedule-killed': { target: 'operation', weight: 5, lasts: MOMENT },
  'eschedule-paused': { target: 'operation', weight: 2, lasts: SHORT },

  'etcd-killed': { target: 'member', weight: 3, lasts: SHORT },
  'etcd-paused': { target: 'member', weight: 2, lasts: SHORT },
  'etcd-all-killed': { target: 'none', weight: 1, lasts: SHORT },
  'etcd-leader-killed': { target: 'none', weight: 2, lasts: SHORT },
  'etcd-leader-moved': { target: 'none', weight: 2, lasts: MOMENT },
  'etcd-compacted': { target: 'none', weight: 2, lasts: MOMENT },
  'etcd-full': { target: 'none', weight: 2, lasts: SHORT },

  'etcd-cut': { target: 'client', weight: 2, lasts: MOMENT },
  'etcd-refused': { target: 'client', weight: 2, lasts: SHORT },
  'etcd-stalled-up': { target: 'client', weight: 1, lasts: SHORT },
  'etcd-stalled-down': { target: 'client', weight: 2, lasts: SHORT },
  'etcd-half-open': { target: 'client', weight: 2, lasts: MOMENT },

  'placement-killed': { target: 'none', weight: 1, lasts: SHORT, only: 'service' },
  'placement-paused': { target: 'none', weight: 1, lasts: SHORT, only: 'service' },
  'placement-cut': { target: 'client', weight: 2, lasts: MOMENT, only: 'service' },
  'placement-refused': { target: 'client', weight: 1, lasts: SHORT, only: 'service' },
  'placement-stalled-up': { target: 'client', weight: 1, lasts: SHORT, only: 'service' },
  'placement-stalled-down': { target: 'client', weight: 1, lasts: SHORT, only: 'service' },
  'placement-half-open': { target: 'client', weight: 1, lasts: MOMENT, only: 'service' },
  'placement-409': { target: 'client', weight: 2, lasts: SHORT, only: 'service' },
  'placement-500': { target: 'client', weight: 2, lasts: SHORT, only: 'service' },
  'placement-503': { target: 'client', weight: 2, lasts: SHORT, only: 'service' },
  'placement-401': { target: 'client', weight: 1, lasts: SHORT, only: 'service' },
  'placement-page': { target: 'client', weight: 1, lasts: SHORT, only: 'service' },
  'placement-slow': { target: 'client', weight: 1, lasts: SHORT, only: 'service' },
  'placement-reply-lost': { target: 'client', weight: 3, lasts: SHORT, only: 'service' },

  'libvirtd-paused': { target: 'agent', weight: 2, lasts: SHORT },
  'libvirtd-killed': { target: 'agent', weight: 4, lasts: SHORT, only: 'guests' },
  'libvirt-cut': { target: 'agent', weight: 3, lasts: MOMENT },
  'libvirt-refused': { target: 'agent', weight: 1, lasts: SHORT },
  'libvirt-stalled-up': { target: 'agent', weight: 1, lasts: SHORT },
  'libvirt-stalled-down': { target: 'agent', weight: 1, lasts: SHORT },
  'libvirt-half-open': { target: 'agent', weight: 1, lasts: MOMENT },
  'libvirt-hushed': { target: 'agent', weight: 2, lasts: LONG },
  'libvirt-reply-lost': { target: 'agent', weight: 3, lasts: SHORT },
  'libvirt-swapped': { target: 'agent', weight: 2, lasts: LONG, only: 'simulated' },
  'guest-frozen': { target: 'agent', weight: 4, lasts: [2000, 14_000], only: 'guests' },

  'eapi-killed': { target: 'eapi', weight: 5, lasts: SHORT, only: 'eapi' },
  'eapi-stopped': { target: 'eapi', weight: 2, lasts: SHORT, only: 'eapi' },
  'eapi-paused': { target: 'eapi', weight: 3, lasts: SHORT, only: 'eapi' },
  'eapi-frozen': { target: 'eapi', weight: 2, lasts: BEYOND_LEASES, only: 'eapi' },
  'eapi-cut': { target: 'eapi', weight: 3, lasts: MOMENT, only: 'eapi' },
  'eapi-stalled-up': { target: 'eapi', weight: 1, lasts: SHORT, only: 'eapi' },
  'eapi-stalled-down': { target: 'eapi', weight: 2, lasts: SHORT, only: 'eapi' },

  'image-cut': { target: 'none', weight: 2, lasts: LONG },
  'image-stalled': { target: 'none', weight: 2, lasts: LONG },
  'image-slow': { target: 'none', weight: 2, lasts: LONG },
  'image-404': { target: 'none', weight: 1, lasts: SHORT },
  'image-503': { target: 'none', weight: 2, lasts: LONG },
  'image-changed': { target: 'none', weight: 2, lasts: MOMENT },
  'image-cache-full': { target: 'agent', weight: 3, lasts: SHORT },
} as const satisfies Record<string, FaultSpec>;

export type FaultKind = keyof typeof FAULTS;

// eslint-disable-next-line typescript/no-unsafe-type-assertion -- Object.keys does not know that there are no others
export const FAULT_KINDS = Object.keys(FAULTS) as readonly FaultKind[];

export const specOfFault = (kind: FaultKind): FaultSpec => FAULTS[kind];
