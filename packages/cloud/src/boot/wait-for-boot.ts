import { EcomputeError } from '@etcd-compute/common/errors';
import { isDestroyWish } from '@etcd-compute/common/etcd/messages/boot-request';
import type { InstanceRecord } from '@etcd-compute/common/etcd/messages/instance-record';
import type { ProviderUuid } from '@etcd-compute/common/ids';
import { downloadOf, isFetching, readDownloads } from '../instances/downloads.js';
import { readInstances, readRecords } from '../instances/instance-entry.js';
import type { Placer } from '../placing/placer.js';
import type { FailedAttempt, InstanceSpec } from '../placing/write-request.js';
import type { Run } from '../run.js';
import type { Services } from '../services.js';
import { isIn, waitUntil, type Changed } from '../wait-until.js';

/** How a boot ended: `gone` is an instance that someone destroyed meanwhile. */
export type BootEnd = 'up' | 'failed' | 'gone' | 'timed-out';

export interface BootProgress {
  readonly spec: InstanceSpec;
  record: InstanceRecord;
  end: BootEnd | undefined;
  retriesLeft: number;
  /** Hosts that failed to build it, and why. */
  readonly failedHosts: Map<ProviderUuid, string>;
}

export interface WaitForBootOptions {
  readonly placer: Placer;
  readonly boots: readonly BootProgress[];
  readonly timeoutMs: number;
  /** Whether to tell how far downloads are. */
  readonly tellsDownloads: boolean;
}

interface Waiting extends WaitForBootOptions {
  readonly services: Services;
  readonly running: Run;
}

/** Up: running, and either there is an address or the agent has asked every source for one. */
const isUp = ({ state, addresses, address_sources }: InstanceRecord): boolean =>
  state === 'stopped' || (state === 'active' && (addresses.length > 0 || address_sources !== null));

/**
 * Waits until every instance has come to an end, and moves one that failed for a reason of its host on to the next host. The
 * ends are found in `boots`.
 */
export const waitForBoot = async (services: Services, options: WaitForBootOptions, running: Run): Promise<void> => {
  const waiting: Waiting = { ...options, services, running };
  const { boots, timeoutMs } = options;
  const keyOf = ({ record }: BootProgress): string => services.keys.report(record.host, record.instance);
  const downloadKeys = (): string[] => fetchingHosts(waiting).map((host) => services.keys.imageDownloads(host));
  await waitUntil({
    store: await services.store(),
    keys: () => [...boots.map(keyOf), ...downloadKeys()],
    timeoutMs,
    signal: running.signal,
    check: async (changed) => {
      const pending = boots.filter((boot) => boot.end === undefined && isIn(changed, keyOf(boot)));
      const found = await readRecords(
        services,
        pending.map(({ record }) => record),
      );
      await Promise.all(pending.map(async (boot, index) => look(waiting, boot, found[index])));
      await tellDownloads(waiting, changed);
      return boots.every(({ end }) => end !== undefined);
    },
  });
  for (const boot of boots) boot.end ??= 'timed-out';
};

const look = async (waiting: Waiting, boot: BootProgress, record: InstanceRecord | undefined): Promise<void> => {
  if (!record) {
    boot.end = 'gone';
    return;
  }
  tellStep(waiting, boot, record);
  boot.record = record;
  if (record.state === 'deleting' || record.state === 'deleted') boot.end = 'gone';
  else if (isUp(record)) boot.end = 'up';
  else if (record.state === 'error' && !(await moveOn(waiting, boot))) boot.end = 'failed';
};

const describe = ({ placer }: Waiting, { instance, name, host, state, step }: InstanceRecord) => ({
  instance,
  name,
  host,
  hostName: placer.hostNames(host),
  state,
  step: step?.name ?? null,
});

const tellStep = (waiting: Waiting, { record: before }: BootProgress, record: InstanceRecord): void => {
  const isSame =
    before.state === record.state && before.host === record.host && before.step?.name === record.step?.name;
  if (!isSame) waiting.running.emit({ type: 'booting', ...describe(waiting, record) });
};

const fetching = ({ boots }: Waiting): BootProgress[] =>
  boots.filter(({ end, record }) => end === undefined && isFetching(record));

/** The hosts whose downloads are worth reading. */
const fetchingHosts = (waiting: Waiting): ProviderUuid[] =>
  waiting.tellsDownloads ? [...new Set(fetching(waiting).map(({ record }) => record.host))] : [];

/** Reports the progress of downloads: once per host, however many instances wait there. */
const tellDownloads = async (waiting: Waiting, changed: Changed): Promise<void> => {
  const { services, running } = waiting;
  const hosts = fetchingHosts(waiting).filter((host) => isIn(changed, services.keys.imageDownloads(host)));
  if (hosts.length === 0) return;
  const downloads = await readDownloads(services, hosts);
  for (const host of hosts) {
    const record = fetching(waiting).find((boot) => boot.record.host === host)?.record;
    const download = record && downloadOf(record, downloads);
    if (download) running.emit({ type: 'downloading', ...describe(waiting, record), download });
  }
};

/** Tries the next host. @returns false when the failure is final. */
const moveOn = async (waiting: Waiting, boot: BootProgress): Promise<boolean> => {
  const { fault, host, name } = boot.record;
  if (fault?.retryable !== true || boot.retriesLeft === 0) return false;
  boot.retriesLeft -= 1;
  boot.failedHosts.set(host, `it failed to build the instance: ${fault.message}`);
  try {
    return await placeAgain(waiting, boot);
  } catch (error) {
    if (!(error instanceof EcomputeError)) throw error;
    // Somebody else changed it, for example a destroy: the next read of the record shows what to do.
    if (error.code === 'ECOMPUTE_INSTANCE_CHANGED') return true;
    waiting.running.emit({ type: 'not-moved-on', instance: boot.spec.instance, name, host, error });
    return false;
  }
};

const placeAgain = async ({ services, placer, running }: Waiting, boot: BootProgress): Promise<boolean> => {
  const { name, fault } = boot.record;
  const { instance } = boot.spec;
  const [entry] = await readInstances(services, [boot.record]);
  // Somebody else has changed it in between: it is looked at again.
  const isAsBefore = entry?.record?.updated_at === boot.record.updated_at;
  if (!entry?.record || !isAsBefore || (entry.request && isDestroyWish(entry.request))) return true;
  const failed: FailedAttempt = { ...entry, record: entry.record };
  const placed = await running.guard(() => placer.place(boot.spec, { excluded: boot.failedHosts, failed }));
  if (placed.outcome === 'no-host') {
    for (const dropped of placed.dropped) boot.failedHosts.set(dropped.host, dropped.reason);
    return false;
  }
  const { host } = placed.candidate;
  running.emit({
    type: 'moved-on',
    instance,
    name,
    host,
    hostName: placer.hostNames(host),
    reason: fault?.message ?? 'failed',
  });
  boot.record = placed.record;
  return true;
};
