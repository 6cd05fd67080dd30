import {
  isDestroyWish,
  resourcesOn,
  type BootRequest,
  type PowerWish,
} from '@etcd-compute/common/etcd/messages/boot-request';
import { isDomainLost, isFailedBuild, type InstanceRecord } from '@etcd-compute/common/etcd/messages/instance-record';
import type { ProviderUuid } from '@etcd-compute/common/ids';

/**
 * What to do about one instance, from what is wished, what was reported and what runs. Pure: the same for a first boot, after a
 * crash and for a repair.
 *
 *   wish        record              domain        ->
 *   none        -                   -             nothing (a domain is the audit's business)
 *   destroy     any                 any           delete
 *   boot        none                any that is   take it over as it is: its record was lost
 *   boot        none, scheduled,    any other     build (a domain that is there already is only started and reported)
 *               building, deleted
 *   boot        building + fault    any           undo, then error
 *   boot        active, stopped     any that is   stop, start or reboot, when that was asked for and is not carried out yet
 *   boot        active, stopped     running       report active, look at its addresses and whether it is paused
 *   boot        active              shut off      start, when the host was booted since (by config); else report stopped
 *   boot        active, stopped     none          report error: domain lost
 *   boot        error: domain lost  any that is   report active or stopped: it came back
 *   boot        error: failed build (leftovers)   clean up: a call that took too long has taken effect
 *   boot        error               any           nothing, until it is destroyed
 *   boot        deleting            any           delete (it was begun)
 *   elsewhere   deleting, error     any           as above
 *   elsewhere   any other           any           refuse: the request allocates nothing on this host
 *   any         another host's      any           nothing
 */
/** What a plan must know of the host. */
export interface HostFacts {
  readonly host: ProviderUuid;
  readonly bootId: string;
  /** Whether guests that ran when the host went down are started again. */
  readonly resumesGuests: boolean;
}

export interface Observed {
  readonly request: BootRequest | undefined;
  readonly record: InstanceRecord | undefined;
  readonly domain: DomainState;
  /** Something of a build that failed is there, though it was undone. */
  readonly hasLeftovers: boolean;
}

/** `foreign`: a domain has the instance's uuid, but is not ours. */
export type DomainState = 'absent' | 'running' | 'paused' | 'shut-off' | 'crashed' | 'foreign';

export type Plan =
  | { readonly action: 'nothing'; readonly why: string }
  | { readonly action: 'refuse'; readonly why: string }
  | { readonly action: 'build' }
  | { readonly action: 'adopt'; readonly state: 'active' | 'stopped'; readonly reason: string }
  | { readonly action: 'undo' }
  | { readonly action: 'clean-up' }
  | { readonly action: 'delete' }
  | { readonly action: 'power'; readonly task: 'start' | 'stop' | 'reboot'; readonly reason: string }
  | { readonly action: 'report'; readonly state: 'active' | 'stopped'; readonly reason: string }
  | { readonly action: 'report-lost' }
  | { readonly action: 'refresh-guest' };

const nothing = (why: string): Plan => ({ action: 'nothing', why });

export const planInstance = ({ request, record, domain, hasLeftovers }: Observed, facts: HostFacts): Plan => {
  const { host } = facts;
  if (!request) return nothing('no boot request');
  if (record && record.host !== host && record.state !== 'deleted') return nothing('the record is another host’s');
  if (isDestroyWish(request)) return { action: 'delete' };
  if (!resourcesOn(request, host)) return planElsewhere(record);
  switch (record?.state) {
    case undefined:
      return isThere(domain) ? planLostRecord(domain) : { action: 'build' };
    case 'scheduled':
    case 'deleted':
      return { action: 'build' };
    case 'building':
      return record.fault ? { action: 'undo' } : { action: 'build' };
    case 'deleting':
      return { action: 'delete' };
    case 'error':
      return planFailed(record, { domain, hasLeftovers });
    case 'active':
    case 'stopped':
      return planBuilt({ request, record, domain }, facts);
  }
};

export const isThere = (domain: DomainState): boolean => domain !== 'absent' && domain !== 'foreign';
export const isUp = (domain: DomainState): boolean => domain === 'running' || domain === 'paused';

/** An agent writes a record before it makes a domain: this one had a record, and nobody knows what it was. */
const planLostRecord = (domain: DomainState): Plan =>
  isUp(domain)
    ? { action: 'adopt', state: 'active', reason: 'found without a record, and its domain is up' }
    : { action: 'adopt', state: 'stopped', reason: 'found without a record, and its domain is off' };

/** A domain that was lost comes back where libvirt was another one for a while, or had no definitions. */
const planFailed = (
  record: InstanceRecord,
  { domain, hasLeftovers }: Pick<Observed, 'domain' | 'hasLeftovers'>,
): Plan => {
  if (isFailedBuild(record) && hasLeftovers) return { action: 'clean-up' };
  if (!isDomainLost(record) || !isThere(domain)) return nothing('in error until it is destroyed');
  return { action: 'report', state: isUp(domain) ? 'active' : 'stopped', reason: 'its domain is there again' };
};

/** Refused once; a delete that was begun goes on. */
const planElsewhere = (record: InstanceRecord | undefined): Plan => {
  if (record?.state === 'deleting') return { action: 'delete' };
  if (record?.state === 'error') return nothing('in error until it is destroyed');
  return { action: 'refuse', why: 'the boot request allocates nothing on this host' };
};

const TASK_OF = { running: 'start', stopped: 'stop', rebooted: 'reboot' } as const;

/** What was asked for and is not carried out yet. */
export const pendingPower = (request: BootRequest, record: InstanceRecord): PowerWish | undefined =>
  request.power && request.power.count > record.power_count ? request.power : undefined;

interface Built {
  readonly request: BootRequest;
  readonly record: InstanceRecord;
  readonly domain: DomainState;
}

const planBuilt = ({ request, record, domain }: Built, { bootId, resumesGuests }: HostFacts): Plan => {
  const power = pendingPower(request, record);
  if (isThere(domain) && power)
    return { action: 'power', task: TASK_OF[power.wish], reason: `asked to be ${power.wish}` };
  // Null: made by an agent that did not write it yet.
  const isOfThisBoot = record.boot_id === null || record.boot_id === bootId;
  // Paused: an agent was killed while it started it again.
  const isDown = domain === 'shut-off' || domain === 'crashed' || (domain === 'paused' && resumesGuests);
  const isDownWithHost = record.state === 'active' && !isOfThisBoot && isDown;
  if (isDownWithHost)
    return resumesGuests
      ? { action: 'power', task: 'start', reason: 'the host was booted, and the guest ran before' }
      : { action: 'report', state: 'stopped', reason: 'the host was booted' };
  switch (domain) {
    case 'absent':
    case 'foreign':
      return { action: 'report-lost' };
    case 'shut-off':
      return record.state === 'stopped'
        ? nothing('stopped')
        : { action: 'report', state: 'stopped', reason: 'the guest was shut off' };
    case 'crashed':
      return record.state === 'stopped'
        ? nothing('stopped')
        : { action: 'report', state: 'stopped', reason: 'the guest crashed' };
    case 'paused': // by a person, or the hypervisor when its disk is full
    case 'running':
      if (record.state === 'stopped' || !isOfThisBoot)
        return { action: 'report', state: 'active', reason: 'the guest was started' };
      return { action: 'refresh-guest' };
  }
};
