/** Names for libvirt-domain.h's numbers, as of libvirt 9.0. Numbers newer than this package become `unknown`. */

export type DomainState =
  | 'no-state'
  | 'running'
  | 'blocked'
  | 'paused'
  | 'shutdown'
  | 'shutoff'
  | 'crashed'
  | 'pm-suspended';

/** virDomainState, and per state its virDomain<State>Reason. */
const STATES: readonly { readonly state: DomainState; readonly reasons: readonly string[] }[] = [
  { state: 'no-state', reasons: ['unknown'] },
  {
    state: 'running',
    reasons: [
      'unknown',
      'booted',
      'migrated',
      'restored',
      'from-snapshot',
      'unpaused',
      'migration-canceled',
      'save-canceled',
      'wakeup',
      'crashed',
      'postcopy',
      'postcopy-failed',
    ],
  },
  { state: 'blocked', reasons: ['unknown'] },
  {
    state: 'paused',
    reasons: [
      'unknown',
      'user',
      'migration',
      'save',
      'dump',
      'ioerror',
      'watchdog',
      'from-snapshot',
      'shutting-down',
      'snapshot',
      'crashed',
      'starting-up',
      'postcopy',
      'postcopy-failed',
    ],
  },
  { state: 'shutdown', reasons: ['unknown', 'user'] },
  {
    state: 'shutoff',
    reasons: ['unknown', 'shutdown', 'destroyed', 'crashed', 'migrated', 'saved', 'failed', 'from-snapshot', 'daemon'],
  },
  { state: 'crashed', reasons: ['unknown', 'panicked'] },
  { state: 'pm-suspended', reasons: ['unknown'] },
];

export function domainStateName(state: number, reason: number): { state: DomainState; reason: string } {
  const entry = STATES[state];
  return { state: entry?.state ?? 'no-state', reason: entry?.reasons[reason] ?? 'unknown' };
}

export type DiskError = 'none' | 'unspecified' | 'no-space';

/** virDomainDiskErrorCode. */
const DISK_ERRORS: readonly DiskError[] = ['none', 'unspecified', 'no-space'];

export function diskErrorName(error: number): DiskError {
  return DISK_ERRORS[error] ?? 'unspecified';
}

export type DomainJobType = 'none' | 'bounded' | 'unbounded' | 'completed' | 'failed' | 'cancelled';

/** virDomainJobType. */
const JOB_TYPES: readonly DomainJobType[] = ['none', 'bounded', 'unbounded', 'completed', 'failed', 'cancelled'];

export function domainJobTypeName(type: number): DomainJobType {
  return JOB_TYPES[type] ?? 'unbounded';
}

export type DomainEvent =
  | 'defined'
  | 'undefined'
  | 'started'
  | 'suspended'
  | 'resumed'
  | 'stopped'
  | 'shutdown'
  | 'pm-suspended'
  | 'crashed';

/** virDomainEventType, and per event its virDomainEvent<Event>DetailType. */
const EVENTS: readonly { readonly event: DomainEvent; readonly details: readonly string[] }[] = [
  { event: 'defined', details: ['added', 'updated', 'renamed', 'from-snapshot'] },
  { event: 'undefined', details: ['removed', 'renamed'] },
  { event: 'started', details: ['booted', 'migrated', 'restored', 'from-snapshot', 'wakeup'] },
  {
    event: 'suspended',
    details: [
      'paused',
      'migrated',
      'ioerror',
      'watchdog',
      'restored',
      'from-snapshot',
      'api-error',
      'postcopy',
      'postcopy-failed',
    ],
  },
  { event: 'resumed', details: ['unpaused', 'migrated', 'from-snapshot', 'postcopy', 'postcopy-failed'] },
  { event: 'stopped', details: ['shutdown', 'destroyed', 'crashed', 'migrated', 'saved', 'failed', 'from-snapshot'] },
  { event: 'shutdown', details: ['finished', 'guest', 'host'] },
  { event: 'pm-suspended', details: ['memory', 'disk'] },
  { event: 'crashed', details: ['panicked', 'crashloaded'] },
];

/** Undefined for an event that this package does not know. */
export function domainEventName(event: number, detail: number): { event: DomainEvent; detail: string } | undefined {
  const entry = EVENTS[event];
  return entry && { event: entry.event, detail: entry.details[detail] ?? 'unknown' };
}

export type DomainControlState = 'ok' | 'job' | 'occupied' | 'error' | 'unknown';

/** virDomainControlState. */
const CONTROL_STATES: readonly DomainControlState[] = ['ok', 'job', 'occupied', 'error'];

export function domainControlStateName(state: number): DomainControlState {
  return CONTROL_STATES[state] ?? 'unknown';
}

export type NetworkEvent = 'defined' | 'undefined' | 'started' | 'stopped';

/** virNetworkEventLifecycleType. */
const NETWORK_EVENTS: readonly NetworkEvent[] = ['defined', 'undefined', 'started', 'stopped'];

export function networkEventName(event: number): NetworkEvent | undefined {
  return NETWORK_EVENTS[event];
}
