import type { Address } from '@etcd-compute/common/etcd/messages/instance-record';
import type { InstanceUuid } from '@etcd-compute/common/ids';
import { sleep } from '@etcd-compute/common/async/sleep';
import type { Connection } from '@etcd-compute/libvirt/connection';
import { isLibvirtError } from '@etcd-compute/libvirt/errors';
import type { DhcpLease } from '@etcd-compute/libvirt/network';
import type { NetworkSection } from '../config/network.js';
import { addressesOn } from './answer.js';
import { askAddresses } from './ask-libvirt.js';

/**
 * The leases of the network: one look at all of them serves all guests that are looked at in the same moment. For guests that have just
 * started, it looks again and again, and nobody looks when nobody waits; a lease that is found wakes the reconciler of its instance.
 */
export interface LeaseWatch {
  /** The addresses leased to the MACs, none unless the lease was given after `since`. */
  find(instance: InstanceUuid, macs: readonly string[], since: Date): Promise<Address[]>;
  /** Wakes the instance when one of its MACs has a lease, or when `until` is over. */
  expect(instance: InstanceUuid, waiting: Waiting): void;
  forget(instance: InstanceUuid): void;
}

interface Waiting {
  readonly macs: readonly string[];
  readonly since: Date;
  readonly until: Date;
}

export interface LeaseWatchOptions {
  readonly getConnection: () => Connection;
  readonly network: Pick<NetworkSection, 'name' | 'manage' | 'lease_seconds'>;
  readonly wake: (instance: InstanceUuid) => void;
  readonly signal: AbortSignal;
}

/** Often enough to be unnoticed beside a guest's boot, and cheap: about 2 ms of libvirtd's time. */
const LOOK_EVERY_MS = 100;
/** A look that takes long shows a busy host: looking then takes this part of the time at the most. */
const LOOKING_SHARE = 0.1;
/** Once a period all guests are looked at, one after the other: a list this old is good for the next one too. */
const LIST_GOOD_FOR_MS = 500;
/** dnsmasq counts in whole seconds. */
const CLOCK_SLACK_MS = 2_000;

const listOfDomain = async (
  connection: Connection,
  instance: InstanceUuid,
  macs: readonly string[],
): Promise<Address[]> => {
  await using domain = await connection.domainLookupByUUID(instance);
  // Awaited here: the domain is freed at the end of this function.
  return await askAddresses(domain, { macs, source: 'lease' });
};

/** A client's own identifier, which DHCPv6 goes by, holds the MAC in two of its kinds: RFC 8415, 11.2 and 11.4. */
const DUID_WITH_MAC = /^00:(?:01:00:01:(?:[0-9a-f]{2}:){4}|03:00:01:)((?:[0-9a-f]{2}:){5}[0-9a-f]{2})$/;

/** dnsmasq does not always know the MAC of a DHCPv6 client. */
export const macOfLease = ({ mac, clientId }: Pick<DhcpLease, 'mac' | 'clientId'>): string =>
  (mac === '' ? (DUID_WITH_MAC.exec(clientId?.toLowerCase() ?? '')?.[1] ?? '') : mac).toLowerCase();

interface SeenLease {
  readonly mac: string;
  readonly addresses: readonly [{ readonly address: string }];
  readonly givenAtMs: number;
}

export const createLeaseWatch = (options: LeaseWatchOptions): LeaseWatch => {
  const { getConnection, network: config, wake, signal } = options;
  /** Where the lease time is not ours to know, any lease counts. */
  const givenAtMs = ({ expiryTime }: DhcpLease): number =>
    config.manage ? (expiryTime - config.lease_seconds) * 1000 : Number.POSITIVE_INFINITY;
  const waiting = new Map<InstanceUuid, Waiting>();
  let isLooking = false;

  const listOnce = async (): Promise<SeenLease[]> => {
    await using network = await getConnection().networkLookupByName(config.name);
    const leases = await network.getDHCPLeases(null);
    return leases
      .map((lease) => ({
        mac: macOfLease(lease),
        addresses: [{ address: lease.address }] as const,
        givenAtMs: givenAtMs(lease),
      }))
      .toSorted((a, b) => a.addresses[0].address.localeCompare(b.addresses[0].address, 'en'));
  };
  let listing: Promise<SeenLease[]> | undefined;
  let listed: { readonly leases: SeenLease[]; readonly atMs: number } | undefined;
  /** All who ask while a look is under way share it. */
  const list = async (): Promise<SeenLease[]> => {
    listing ??= listOnce().finally(() => {
      listing = undefined;
    });
    const leases = await listing;
    listed = { leases, atMs: performance.now() };
    return leases;
  };
  const listLately = async (): Promise<SeenLease[]> =>
    listed && performance.now() - listed.atMs < LIST_GOOD_FOR_MS ? listed.leases : list();
  const isFresh = (lease: SeenLease, macs: readonly string[], since: Date): boolean =>
    macs.includes(lease.mac) && lease.givenAtMs >= since.getTime() - CLOCK_SLACK_MS;

  const look = async (): Promise<void> => {
    const leases = await list().catch((): SeenLease[] => []); // libvirt is away: the next look will tell
    for (const [instance, { macs, since, until }] of waiting) {
      const isFound = leases.some((lease) => isFresh(lease, macs, since));
      if (!isFound && until.getTime() > Date.now()) continue;
      waiting.delete(instance);
      wake(instance);
    }
  };
  const lookWhileWaiting = async (): Promise<void> => {
    isLooking = true;
    while (waiting.size > 0 && !signal.aborted) {
      const startedAt = performance.now();
      await look();
      const pauseMs = (performance.now() - startedAt) / LOOKING_SHARE;
      await sleep(Math.max(LOOK_EVERY_MS, pauseMs), signal).catch(() => undefined);
    }
    isLooking = false;
  };

  return {
    find: async (instance, macs, since) => {
      try {
        const leases = await listLately();
        const fresh = leases.filter((lease) => isFresh(lease, macs, since));
        return addressesOn(fresh, { macs, source: 'lease' });
      } catch (err) {
        // libvirt's test driver has leases of domains, but no list of them.
        if (isLibvirtError(err, 'VIR_ERR_NO_SUPPORT')) return listOfDomain(getConnection(), instance, macs);
        throw err;
      }
    },
    expect: (instance, details) => {
      waiting.set(instance, details);
      if (!isLooking) void lookWhileWaiting();
    },
    forget: (instance) => {
      waiting.delete(instance);
    },
  };
};
