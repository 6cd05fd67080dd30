import { isDestroyWish } from '@etcd-compute/common/etcd/messages/boot-request';
import { totalGiB } from '@etcd-compute/common/etcd/messages/disks';
import {
  canMoveOn,
  isBuilt,
  type Address,
  type Fault,
  type InstanceRecord,
  type InstanceState,
} from '@etcd-compute/common/etcd/messages/instance-record';
import type { ReportedNic } from '@etcd-compute/common/etcd/messages/nics';
import { DEFAULT_PROJECT } from '@etcd-compute/common/ids';
import { reportedOf } from '@etcd-compute/common/wishes/reported';
import type { HostNames } from '../hosts/host-names.js';
import { NO_DOWNLOADS, progressOf, type Downloads } from './downloads.js';
import { nameOf, type InstanceEntry } from './instance-entry.js';

/** An instance as `-o json` shows it. Scripts rely on every name in it. */
export interface InstanceView {
  readonly instance: string;
  readonly name: string | null;
  /** Null where nobody has said. */
  readonly project: string | null;
  readonly user: string | null;
  readonly host: string;
  readonly hostName: string | null;
  readonly state: InstanceState;
  readonly power: 'running' | 'paused' | 'suspended' | 'stopped' | 'unknown';
  /** Why it is paused, in libvirt's word: `user`, `ioerror` ... Null when it is not. */
  readonly pausedBy: string | null;
  /** What its agent is doing about it; null when it is doing nothing. Only `show` says how far it is. */
  readonly step: {
    readonly name: string;
    readonly since: string;
    readonly progress: string | null;
    readonly transfer: {
      readonly bytes: number;
      readonly totalBytes: number | null;
      readonly bytesPerSecond: number | null;
    } | null;
  } | null;
  readonly resources: Readonly<Record<string, number>>;
  readonly image: string | null;
  /** Its interfaces. Null until it is built, if its host chooses them. */
  readonly nics:
    | readonly {
        readonly network: string;
        /** Null until it is built. */
        readonly mac: string | null;
        readonly addresses: readonly string[];
      }[]
    | null;
  /** The root disk comes first, and has the instance's uuid. Empty where nobody knows the size of the root disk. */
  readonly disks: readonly { readonly uuid: string; readonly sizeGiB: number }[];
  /** What its guest is told under keys of people's own. Null where it was not read: lists do not show it. */
  readonly meta: Readonly<Record<string, string>> | null;
  /** That nothing may be asked of it, and why; null when it is not locked. */
  readonly locked: { readonly reason: string } | null;
  readonly addresses: readonly {
    readonly address: string;
    readonly family: string;
    readonly mac: string | null;
    readonly source: string;
  }[];
  /** What each source of addresses said: `found`, or why not. Null while the first address is looked for, and when it does not run. */
  readonly addressSources: Readonly<Record<string, string>> | null;
  readonly fault: {
    readonly code: string;
    readonly message: string;
    readonly step: string | null;
    readonly hint: string | null;
  } | null;
  /** So many more hosts may be tried when its host cannot build it. */
  readonly attemptsLeft: number;
  /** Its host could not build it, and another one may: whoever waits for it moves it on, or an audit. */
  readonly canMoveOn: boolean;
  /** What became of the last things that were asked of it, the newest last. `fault` is null when it was carried out. */
  readonly outcomes: readonly {
    readonly kind: string;
    readonly at: string;
    readonly fault: InstanceView['fault'];
  }[];
  /** Null where only the original's boot request is known, which has no times. */
  readonly createdAt: string | null;
  readonly updatedAt: string | null;
  readonly transitions: readonly { readonly at: string; readonly state: string; readonly reason: string }[];
}

/**
 * Each with its addresses: first the one that its host keeps for it as long as there is a guest, which is the one that it leases, then
 * others that were seen.
 */
export const nicsOf = ({
  state,
  nics,
  addresses,
}: Pick<InstanceRecord, 'addresses' | 'state'> & {
  readonly nics: readonly Pick<ReportedNic, 'network' | 'mac' | 'address'>[] | null;
}): InstanceView['nics'] =>
  nics &&
  nics.map(({ network, mac = null, address }) => {
    const kept = address !== undefined && isBuilt({ state }) ? [address] : [];
    const isOther = ({ family, source }: Address): boolean =>
      kept.length === 0 || family !== 'ipv4' || source !== 'lease';
    const seen = addresses.filter((one) => mac !== null && one.mac === mac && isOther(one));
    return { network, mac, addresses: [...new Set([...kept, ...seen.map((one) => one.address)])] };
  });

const disksOf = ({
  instance,
  resources: { DISK_GB: all },
  disks,
}: Pick<InstanceRecord, 'instance' | 'resources' | 'disks'>): InstanceView['disks'] =>
  all === undefined
    ? []
    : [
        { uuid: instance, sizeGiB: all - totalGiB(disks) },
        ...disks.map(({ uuid, size_gib }) => ({ uuid, sizeGiB: size_gib })),
      ];

const POWER: Partial<Record<InstanceState, InstanceView['power']>> = {
  active: 'running',
  stopped: 'stopped',
  shelved: 'stopped',
  suspended: 'suspended',
};

const stepOf = (record: InstanceRecord, downloads: Downloads): InstanceView['step'] => {
  const { step } = record;
  if (!step) return null;
  const { text = null, transfer = null } = progressOf(record, downloads) ?? {};
  return {
    name: step.name,
    since: step.since,
    progress: text,
    transfer: transfer && {
      bytes: transfer.bytes,
      totalBytes: transfer.total_bytes,
      bytesPerSecond: transfer.bytes_per_second,
    },
  };
};

const faultOf = (fault: Fault | null): InstanceView['fault'] =>
  fault && { code: fault.code, message: fault.message, step: fault.step, hint: fault.hint };

export const viewOfRecord = (
  record: InstanceRecord,
  hostNames: HostNames,
  downloads: Downloads = NO_DOWNLOADS,
): InstanceView => ({
  instance: record.instance,
  name: record.name,
  // Earlier versions knew one project.
  project: record.project ?? DEFAULT_PROJECT,
  user: record.user ?? null,
  host: record.host,
  hostName: hostNames(record.host),
  state: record.state,
  power: record.paused === null ? (POWER[record.state] ?? 'unknown') : 'paused',
  pausedBy: record.paused,
  step: stepOf(record, downloads),
  resources: record.resources,
  image: record.image,
  nics: nicsOf(record),
  disks: disksOf(record),
  meta: null,
  locked: record.locked && { reason: record.locked.reason },
  addresses: record.addresses.map(({ address, family, mac, source }) => ({ address, family, mac, source })),
  addressSources: record.address_sources,
  fault: faultOf(record.fault),
  attemptsLeft: record.attempts_left,
  canMoveOn: canMoveOn(record),
  outcomes: record.outcomes.map(({ kind, at, fault }) => ({ kind, at, fault: faultOf(fault) })),
  createdAt: record.created_at,
  updatedAt: record.updated_at,
  transitions: record.transitions.map(({ at, state, reason }) => ({ at, state, reason })),
});

const metaOf = ({ request }: InstanceEntry): InstanceView['meta'] => (request && (request.meta ?? {})) ?? null;

/** Of an instance without a record: the original's agent reports an address and nothing else. */
const stateOfRequest = ({ request, booted }: InstanceEntry): InstanceState => {
  if (request && isDestroyWish(request)) return 'deleting';
  return booted === undefined ? 'scheduled' : 'active';
};

export const viewOf = (entry: InstanceEntry, hostNames: HostNames, downloads?: Downloads): InstanceView => {
  const { instance, host, record, request, booted } = entry;
  if (record) {
    // Records of earlier versions do not say whose it is. Edits that the agent has not seen yet show as well.
    const latest = { user: request?.user_id, ...record, ...(request && reportedOf(request)), name: nameOf(entry) };
    return { ...viewOfRecord(latest, hostNames, downloads), meta: metaOf(entry) };
  }
  const state = stateOfRequest(entry);
  const resources: Record<string, number> = {};
  for (const allocation of Object.values(request?.allocations ?? {}))
    for (const [name, amount] of Object.entries(allocation.resources))
      resources[name] = (resources[name] ?? 0) + amount;
  return {
    instance,
    name: nameOf(entry),
    project: request?.project_id ?? null,
    user: request?.user_id ?? null,
    host,
    hostName: hostNames(host),
    state,
    power: POWER[state] ?? 'unknown',
    pausedBy: null,
    step: null,
    resources,
    image: request?.image ?? null,
    nics: nicsOf({ state, nics: request?.nics ?? null, addresses: [] }),
    disks: disksOf({ instance, resources, disks: request?.disks ?? [] }),
    meta: metaOf(entry),
    locked: null,
    addresses:
      booted === undefined
        ? []
        : [{ address: booted, family: booted.includes(':') ? 'ipv6' : 'ipv4', mac: null, source: 'lease' }],
    addressSources: null,
    fault: null,
    attemptsLeft: request?.retry?.attempts_left ?? 0,
    canMoveOn: false,
    outcomes: [],
    createdAt: null,
    updatedAt: null,
    transitions: [],
  };
};
