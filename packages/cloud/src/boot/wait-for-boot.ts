import { EcomputeError } from '@etcd-compute/common/errors';
import type { InstanceRecord } from '@etcd-compute/common/etcd/messages/instance-record';
import type { ProviderUuid } from '@etcd-compute/common/ids';
import { downloadOf, isFetching, readDownloads } from '../instances/downloads.js';
import { readInstances, readRecords } from '../instances/instance-entry.js';
import { readPresences } from '../hosts/presences.js';
import type { InstanceSpec } from '../placing/write-request.js';
import type { Run } from '../run.js';
import type { DroppedHost } from '../selection/filters/presence.js';
import type { Services } from '../services.js';
import { isIn, waitUntil, type Changed } from '../wait-until.js';
import { moveOn } from './move-on.js';

/** How a boot ended: `gone` is an instance that someone destroyed meanwhile. */
export type BootEnd = 'up' | 'failed' | 'gone' | 'timed-out';

export interface BootProgress {
  readonly spec: Pick<InstanceSpec, 'instance' | 'name'>;
  record: InstanceRecord;
  end: BootEnd | undefined;
  /** When it failed: the hosts that could not build it before, or did not take it, and why. */
  otherHosts: readonly DroppedHost[];
}

export interface WaitForBootOptions {
  /** The names of the hosts that are known so far; grows. */
  readonly hostNames: Map<ProviderUuid, string>;
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
 * Waits until every instance has come to an end, and moves one that its host could not build on to another. Others may do the same; then
 * it is followed. The ends are found in `boots`.
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

const look = async (waiting: Waiting, boot: BootProgress, found: InstanceRecord | undefined): Promise<void> => {
  const record = found ?? (await follow(waiting, boot));
  if (!record) {
    boot.end = 'gone';
    return;
  }
  tellStep(waiting, boot, record);
  boot.record = record;
  if (record.state === 'deleting' || record.state === 'deleted') boot.end = 'gone';
  else if (isUp(record)) boot.end = 'up';
  else if (record.state === 'error') await goOn(waiting, boot);
};

/** Its record is not where it was: somebody else may have moved it on. */
const follow = async (
  { services, hostNames }: Waiting,
  { record }: BootProgress,
): Promise<InstanceRecord | undefined> => {
  const [entry] = await readInstances(services, [record]);
  if (entry?.record) await nameHost(services, hostNames, entry.record.host);
  return entry?.record;
};

const nameHost = async (services: Services, names: Map<ProviderUuid, string>, host: ProviderUuid): Promise<void> => {
  if (names.has(host)) return;
  const presence = (await readPresences(services, [host])).get(host);
  if (presence) names.set(host, presence.hostname);
};

const describe = ({ hostNames }: Waiting, { instance, name, host, state, step }: InstanceRecord) => ({
  instance,
  name,
  host,
  hostName: hostNames.get(host) ?? null,
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

/** Its host could not build it: another one may. What stands in the way for a while is met again with the next look. */
const goOn = async (waiting: Waiting, boot: BootProgress): Promise<void> => {
  const { services, running, hostNames } = waiting;
  const { instance, name, host, fault } = boot.record;
  try {
    const result = await running.guard(() => moveOn(services, boot.record));
    if (result.outcome === 'final' || result.outcome === 'no-host') {
      boot.end = 'failed';
      boot.otherHosts = result.outcome === 'final' ? result.failedHosts : result.dropped;
    }
    if (result.outcome !== 'moved') return;
    boot.record = result.record;
    await nameHost(services, hostNames, boot.record.host);
    const to = { host: boot.record.host, hostName: hostNames.get(boot.record.host) ?? null };
    running.emit({ type: 'moved-on', instance, name, ...to, reason: fault?.message ?? 'failed' });
  } catch (error) {
    if (!(error instanceof EcomputeError)) throw error;
    if (!error.retryable) boot.end = 'failed';
    running.emit({ type: 'not-moved-on', instance, name, host, error });
  }
};
