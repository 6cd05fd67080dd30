import type { Address } from '@etcd-compute/common/etcd/messages/instance-record';
import type { InstanceUuid } from '@etcd-compute/common/ids';
import { sleep } from '@etcd-compute/common/async/sleep';
import type { Connection } from '@etcd-compute/libvirt/connection';
import { isLibvirtError } from '@etcd-compute/libvirt/errors';

/**
 * Looks for the addresses of guests that have just started: one look at all leases of the network serves all of them, and
 * nobody looks when nobody waits. An address that is found wakes the reconciler of its instance.
 */
export interface LeaseWatch {
  /** The addresses leased to the instance's MAC, none unless the lease was given after `since`. */
  find(instance: InstanceUuid, mac: string, since: Date): Promise<Address[]>;
  /** Wakes the instance when its MAC has a lease, until `until`. */
  expect(instance: InstanceUuid, waiting: { mac: string; since: Date; until: Date }): void;
  forget(instance: InstanceUuid): void;
}

export interface LeaseWatchOptions {
  readonly getConnection: () => Connection;
  readonly networkName: string;
  /** Null when the lease time is not ours to know: then any lease counts. */
  readonly leaseSeconds: number | null;
  readonly wake: (instance: InstanceUuid) => void;
  readonly signal: AbortSignal;
}

/** Often enough to be unnoticed beside a guest's boot, and cheap: about 2 ms of libvirtd's time. */
const LOOK_EVERY_MS = 100;
/** A look that takes long shows a busy host: looking then takes this part of the time at the most. */
const LOOKING_SHARE = 0.1;
/** dnsmasq counts in whole seconds. */
const CLOCK_SLACK_MS = 2_000;

const listOfDomain = async (connection: Connection, instance: InstanceUuid): Promise<Address[]> => {
  await using domain = await connection.domainLookupByUUID(instance);
  const interfaces = await domain.interfaceAddresses('lease');
  return interfaces.flatMap(({ mac, addresses }) =>
    addresses.map(({ address, family }) => ({ address, family, mac, source: 'lease' as const })),
  );
};

interface SeenLease extends Address {
  readonly mac: string;
  readonly givenAtMs: number;
}

export const createLeaseWatch = (options: LeaseWatchOptions): LeaseWatch => {
  const { getConnection, networkName, leaseSeconds, wake, signal } = options;
  const waiting = new Map<InstanceUuid, { mac: string; since: Date; until: Date }>();
  let isLooking = false;

  const listOnce = async (): Promise<SeenLease[]> => {
    await using network = await getConnection().networkLookupByName(networkName);
    const leases = await network.getDHCPLeases(null);
    return leases.map((lease) => ({
      address: lease.address,
      family: lease.family,
      mac: lease.mac,
      source: 'lease',
      givenAtMs: leaseSeconds === null ? Number.POSITIVE_INFINITY : (lease.expiryTime - leaseSeconds) * 1000,
    }));
  };
  let listing: Promise<SeenLease[]> | undefined;
  /** All who ask while a look is under way share it. */
  const list = async (): Promise<SeenLease[]> => {
    listing ??= listOnce().finally(() => {
      listing = undefined;
    });
    return listing;
  };
  const isFresh = (lease: SeenLease, mac: string, since: Date): boolean =>
    lease.mac.toLowerCase() === mac && lease.givenAtMs >= since.getTime() - CLOCK_SLACK_MS;

  const look = async (): Promise<void> => {
    const leases = await list().catch((): SeenLease[] => []); // libvirt is away: the next look will tell
    for (const [instance, { mac, since, until }] of waiting) {
      const isFound = leases.some((lease) => isFresh(lease, mac, since));
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
    find: async (instance, mac, since) => {
      try {
        const leases = await list();
        return leases
          .filter((lease) => isFresh(lease, mac, since))
          .map(({ address, family, source }) => ({ address, family, mac, source }));
      } catch (err) {
        // libvirt's test driver has leases of domains, but no list of them.
        if (isLibvirtError(err, 'VIR_ERR_NO_SUPPORT')) return listOfDomain(getConnection(), instance);
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
