import {
  isDestroyWish,
  resourcesOn,
  wishesOf,
  type BootRequest,
} from '@etcd-compute/common/etcd/messages/boot-request';
import {
  isDomainLost,
  isFailedBuild,
  type Fault,
  type InstanceRecord,
} from '@etcd-compute/common/etcd/messages/instance-record';
import type { Wish } from '@etcd-compute/common/etcd/messages/wish';
import type { ProviderUuid } from '@etcd-compute/common/ids';
import { ACTIONS, isActionName, type ActionName } from '@etcd-compute/common/wishes/kinds';
import { isReported } from '@etcd-compute/common/wishes/reported';
import { isThere, isUp, type DomainState } from '../domains/domain.js';
import { faultOfMissingDevices, isNews } from './missing-devices.js';
import { saysNics } from './reported-nics.js';

/*
 * What to do about one instance, from what is wished, what was reported and what runs. Pure: the same for a first boot, after a
 * crash and for a repair.
 *
 *   wish        record              domain        ->
 *   none        -                   -             nothing (a domain is the audit's business)
 *   destroy     any                 any           delete
 *   boot        none                any that is   take it over as it is: its record was lost
 *   boot        none, scheduled,    any other     build (a domain that is there already is only started and reported)
 *               deleted
 *   boot        the same            none          decline, when the host is drained
 *   boot        building            any           build, also on a drained host: it was begun
 *   boot        building + fault    any           undo, then error
 *   boot        built               any that is   report its interfaces, when the record does not say them yet
 *   boot        built               any that is   the oldest wish that is not carried out yet
 *   boot        built               none          the same, when it is to shelve it, and was begun
 *   boot        built               any that is   report what was edited in the request
 *   boot        built               lacks devices report a fault that names them, and that they are back
 *   boot        built               running       report active, look at its addresses and whether it is paused
 *   boot        active              off, saved    start, when the host was booted since (by config)
 *   boot        built               off, saved    report stopped or suspended
 *   boot        built               none          report error: domain lost
 *   boot        shelved             none          report what was edited in the request, and that a wish fails
 *   boot        shelved             any that is   report active, stopped or suspended: it was built since, and etcd restored
 *   boot        error: domain lost  any that is   report active, stopped or suspended: it came back
 *   boot        error: failed build (leftovers)   clean up: a call that took too long has taken effect
 *   boot        error               any           nothing, until it is destroyed
 *   boot        deleting            any           delete (it was begun)
 *   elsewhere   deleting, error     any           as above
 *   elsewhere   any other           any           refuse: the request allocates nothing on this host
 *   any         another host's      any           nothing
 *
 * Built: active, stopped or suspended.
 */

/** What a plan must know of the host. */
export interface HostFacts {
  readonly host: ProviderUuid;
  readonly bootId: string;
  /** Whether guests that ran when the host went down are started again. */
  readonly resumesGuests: boolean;
  /** It takes no new instances. */
  readonly isDraining: boolean;
}

export interface Observed {
  readonly request: BootRequest | undefined;
  readonly record: InstanceRecord | undefined;
  readonly domain: DomainState;
  /** Of a built instance: what its domain lacks. */
  readonly missingDevices: readonly string[];
  /** Something of a build that failed is there, though it was undone. */
  readonly hasLeftovers: boolean;
}

/** What a record calls a guest that was built. */
export type GuestState = 'active' | 'stopped' | 'suspended';

/** Of a domain that is there. */
export const guestStateOf = (domain: DomainState): GuestState => {
  if (isUp(domain)) return 'active';
  return domain === 'saved' ? 'suspended' : 'stopped';
};

export type Plan =
  | { readonly action: 'nothing'; readonly why: string }
  | { readonly action: 'refuse'; readonly why: string }
  | { readonly action: 'build' }
  | { readonly action: 'decline' }
  | { readonly action: 'adopt'; readonly state: GuestState; readonly reason: string }
  | { readonly action: 'undo' }
  | { readonly action: 'clean-up' }
  | { readonly action: 'delete' }
  | { readonly action: 'carry-out' | 'refuse-wish'; readonly wish: Wish }
  /** Nobody asked for it. */
  | { readonly action: 'start-again'; readonly task: ActionName; readonly reason: string }
  | { readonly action: 'report'; readonly state: GuestState; readonly reason: string }
  | { readonly action: 'report-lost' }
  | { readonly action: 'report-edits' }
  | { readonly action: 'report-nics' }
  | { readonly action: 'report-devices'; readonly fault: Fault | null }
  | { readonly action: 'refresh-guest' };

const nothing = (why: string): Plan => ({ action: 'nothing', why });

export const planInstance = (
  { request, record, domain, missingDevices, hasLeftovers }: Observed,
  facts: HostFacts,
): Plan => {
  const { host } = facts;
  if (!request) return nothing('no boot request');
  if (record && record.host !== host && record.state !== 'deleted') return nothing('the record is another host’s');
  if (isDestroyWish(request)) return { action: 'delete' };
  if (!resourcesOn(request, host)) return planElsewhere(record);
  switch (record?.state) {
    case undefined:
      return isThere(domain) ? planLostRecord(domain) : planNew(domain, facts);
    case 'scheduled':
    case 'deleted':
      return planNew(domain, facts);
    case 'building':
      return record.fault ? { action: 'undo' } : { action: 'build' };
    case 'deleting':
      return { action: 'delete' };
    case 'error':
      return planFailed(record, { domain, hasLeftovers });
    case 'shelved':
      return planShelved({ request, record, domain });
    case 'active':
    case 'stopped':
    case 'suspended':
      return planBuilt({ request, record, domain, missingDevices }, facts);
  }
};

/** A domain that is there means that it was built already, and etcd restored since: that is no new instance. */
const planNew = (domain: DomainState, { isDraining }: HostFacts): Plan => ({
  action: isDraining && domain === 'absent' ? 'decline' : 'build',
});

/** An agent writes a record before it makes a domain: this one had a record, and nobody knows what it was. */
const planLostRecord = (domain: DomainState): Plan => ({
  action: 'adopt',
  state: guestStateOf(domain),
  reason: `found without a record, and its domain is ${isUp(domain) ? 'up' : 'off'}`,
});

/** A domain that was lost comes back where libvirt was another one for a while, or had no definitions. */
const planFailed = (
  record: InstanceRecord,
  { domain, hasLeftovers }: Pick<Observed, 'domain' | 'hasLeftovers'>,
): Plan => {
  if (isFailedBuild(record) && hasLeftovers) return { action: 'clean-up' };
  if (!isDomainLost(record) || !isThere(domain)) return nothing('in error until it is destroyed');
  return { action: 'report', state: guestStateOf(domain), reason: 'its domain is there again' };
};

/** Refused once; a delete that was begun goes on. */
const planElsewhere = (record: InstanceRecord | undefined): Plan => {
  if (record?.state === 'deleting') return { action: 'delete' };
  if (record?.state === 'error') return nothing('in error until it is destroyed');
  return { action: 'refuse', why: 'the boot request allocates nothing on this host' };
};

/** What was asked for and is not carried out yet, the oldest first. */
export const nextWish = (request: BootRequest, record: InstanceRecord): Wish | undefined =>
  wishesOf(request).find(({ count }) => count > record.wish_count);

/** Its domain is there when it was built again, and etcd was restored from a backup since: its disks are newer than its copies. */
const planShelved = ({ request, record, domain }: Omit<Built, 'missingDevices'>): Plan => {
  if (isThere(domain)) return { action: 'report', state: guestStateOf(domain), reason: 'its domain is there' };
  const wish = nextWish(request, record);
  if (wish) return { action: 'refuse-wish', wish };
  return isReported(request, record) ? nothing('shelved') : { action: 'report-edits' };
};

interface Built {
  readonly request: BootRequest;
  readonly record: InstanceRecord;
  readonly domain: DomainState;
  readonly missingDevices: readonly string[];
}

/** Then its domain may be gone already. */
const isBeingShelved = ({ kind }: Wish, { step }: InstanceRecord): boolean =>
  step !== null && isActionName(kind) && ACTIONS[kind].leadsTo === 'shelved';

const OFF_BECAUSE: Partial<Record<DomainState, string>> = {
  'shut-off': 'the guest was shut off',
  crashed: 'the guest crashed',
  saved: 'the guest was suspended',
};

const planBuilt = ({ request, record, domain, missingDevices }: Built, { bootId, resumesGuests }: HostFacts): Plan => {
  // Earlier agents did not report them, and a wish may be about them.
  if (isThere(domain) && !saysNics(record.nics)) return { action: 'report-nics' };
  const wish = nextWish(request, record);
  if (wish && (isThere(domain) || isBeingShelved(wish, record))) return { action: 'carry-out', wish };
  // Null: made by an agent that did not write it yet.
  const isOfThisBoot = record.boot_id === null || record.boot_id === bootId;
  // Paused: an agent was killed while it started it again. Saved: the host's own service did it, on its way down.
  const isDown = !isUp(domain) || (domain === 'paused' && resumesGuests);
  if (record.state === 'active' && !isOfThisBoot && isThere(domain) && isDown)
    return resumesGuests
      ? { action: 'start-again', task: 'start', reason: 'the host was booted, and the guest ran before' }
      : { action: 'report', state: guestStateOf(domain), reason: 'the host was booted' };
  if (!isThere(domain)) return { action: 'report-lost' };
  if (!isReported(request, record)) return { action: 'report-edits' };
  const state = guestStateOf(domain);
  const fault = faultOfMissingDevices(missingDevices);
  if (record.state === state && isNews(fault, record.fault)) return { action: 'report-devices', fault };
  // Paused by a person, or by the hypervisor when its disk is full, is up.
  if (state === 'active')
    return record.state === 'active' && isOfThisBoot
      ? { action: 'refresh-guest' }
      : { action: 'report', state, reason: 'the guest was started' };
  return record.state === state
    ? nothing(state)
    : { action: 'report', state, reason: OFF_BECAUSE[domain] ?? 'the guest is off' };
};
