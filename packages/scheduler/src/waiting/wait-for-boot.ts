import { EcomputeError, formatErrorChain } from '@etcd-compute/common/errors';
import { isDestroyWish } from '@etcd-compute/common/etcd/messages/boot-request';
import type { InstanceRecord } from '@etcd-compute/common/etcd/messages/instance-record';
import type { ProviderUuid } from '@etcd-compute/common/ids';
import type { CommandContext } from '../commands/context.js';
import type { HostNames } from '../hosts/host-names.js';
import { isFetching, progressOf, readDownloads } from '../instances/downloads.js';
import { readInstances, readRecords } from '../instances/instance-entry.js';
import type { Placer } from '../placing/placer.js';
import type { FailedAttempt, InstanceSpec } from '../placing/write-request.js';
import { renderTransfer } from '../output/transfer.js';
import { isIn, waitUntil, type Changed } from './wait-until.js';

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
  readonly context: CommandContext;
  readonly placer: Placer;
  readonly boots: readonly BootProgress[];
  readonly hostNames: HostNames;
  readonly timeoutMs: number;
}

/** Up: running, and either there is an address or the agent has asked every source for one. */
const isUp = ({ state, addresses, address_sources }: InstanceRecord): boolean =>
  state === 'stopped' || (state === 'active' && (addresses.length > 0 || address_sources !== null));

/**
 * Waits until every instance has come to an end, and moves one that failed for a reason of its host on to the next host. The
 * ends are found in `boots`.
 */
export const waitForBoot = async (options: WaitForBootOptions): Promise<void> => {
  const { context, boots, timeoutMs } = options;
  const { cloud, interruption } = context;
  const keyOf = ({ record }: BootProgress): string => cloud.keys.report(record.host, record.instance);
  const downloadKeys = (): string[] => fetchingHosts(options).map((host) => cloud.keys.imageDownloads(host));
  await waitUntil({
    store: await cloud.store(),
    keys: () => [...boots.map(keyOf), ...downloadKeys()],
    timeoutMs,
    signal: interruption.signal,
    check: async (changed) => {
      const pending = boots.filter((boot) => boot.end === undefined && isIn(changed, keyOf(boot)));
      const found = await readRecords(
        cloud,
        pending.map(({ record }) => record),
      );
      await Promise.all(pending.map(async (boot, index) => look(options, boot, found[index])));
      await reportDownloads(options, changed);
      return boots.every(({ end }) => end !== undefined);
    },
  });
  for (const boot of boots) boot.end ??= 'timed-out';
};

const look = async (
  options: WaitForBootOptions,
  boot: BootProgress,
  record: InstanceRecord | undefined,
): Promise<void> => {
  if (!record) {
    boot.end = 'gone';
    return;
  }
  report(options, boot, record);
  boot.record = record;
  if (record.state === 'deleting' || record.state === 'deleted') boot.end = 'gone';
  else if (isUp(record)) boot.end = 'up';
  else if (record.state === 'error' && !(await moveOn(options, boot))) boot.end = 'failed';
};

const describe = ({ hostNames }: WaitForBootOptions, { state, host, step }: InstanceRecord): string =>
  `${state} on ${hostNames(host) ?? host}${step ? `: ${step.name}` : ''}`;

const report = (options: WaitForBootOptions, { record: before }: BootProgress, record: InstanceRecord): void => {
  const now = describe(options, record);
  if (now !== describe(options, before)) options.context.output.progress(`${record.name ?? record.instance}: ${now}`);
};

const fetching = ({ boots }: WaitForBootOptions): BootProgress[] =>
  boots.filter(({ end, record }) => end === undefined && isFetching(record));

/** The hosts whose downloads are worth reading. */
const fetchingHosts = (options: WaitForBootOptions): ProviderUuid[] =>
  options.context.output.showsProgress ? [...new Set(fetching(options).map(({ record }) => record.host))] : [];

/** Says how far the downloads are: once for each host, whatever number of instances waits there. */
const reportDownloads = async (options: WaitForBootOptions, changed: Changed): Promise<void> => {
  const { cloud, output } = options.context;
  const hosts = fetchingHosts(options).filter((host) => isIn(changed, cloud.keys.imageDownloads(host)));
  if (hosts.length === 0) return;
  const downloads = await readDownloads(cloud, hosts);
  for (const host of hosts) {
    const record = fetching(options).find((boot) => boot.record.host === host)?.record;
    const progress = record && progressOf(record, downloads);
    if (!progress) continue;
    const line = `${record.name ?? record.instance}: ${describe(options, record)}`;
    output.progress(`${line} ${renderTransfer(progress.text, progress.transfer)}`, { isPassing: true });
  }
};

/** Tries the next host. @returns false when the failure is final. */
const moveOn = async (options: WaitForBootOptions, boot: BootProgress): Promise<boolean> => {
  const { fault, host } = boot.record;
  if (fault?.retryable !== true || boot.retriesLeft === 0) return false;
  boot.retriesLeft -= 1;
  boot.failedHosts.set(host, `it failed to build the instance: ${fault.message}`);
  try {
    return await placeAgain(options, boot);
  } catch (err) {
    if (!(err instanceof EcomputeError)) throw err;
    // Changed by someone else, such as a destroy: the record tells what to make of it when it is read again.
    if (err.code === 'ECOMPUTE_INSTANCE_CHANGED') return true;
    options.context.output.note(
      `eschedule: could not move instance ${boot.spec.instance} on: ${formatErrorChain(err)}`,
    );
    return false;
  }
};

const placeAgain = async ({ context, placer, hostNames }: WaitForBootOptions, boot: BootProgress): Promise<boolean> => {
  const { cloud, interruption, output } = context;
  const { name, fault } = boot.record;
  const { instance } = boot.spec;
  const [entry] = await readInstances(cloud, [boot.record]);
  // Somebody else has changed it in between: it is looked at again.
  const isAsBefore = entry?.record?.updated_at === boot.record.updated_at;
  if (!entry?.record || !isAsBefore || (entry.request && isDestroyWish(entry.request))) return true;
  const failed: FailedAttempt = { ...entry, record: entry.record };
  const placed = await interruption.guard(() => placer.place(boot.spec, { excluded: boot.failedHosts, failed }));
  if (placed.outcome === 'no-host') {
    for (const dropped of placed.dropped) boot.failedHosts.set(dropped.host, dropped.reason);
    return false;
  }
  output.progress(
    `${name ?? instance}: ${fault?.message ?? 'failed'}; moved on to ${hostNames(placed.candidate.host) ?? placed.candidate.host}`,
  );
  boot.record = placed.record;
  return true;
};
