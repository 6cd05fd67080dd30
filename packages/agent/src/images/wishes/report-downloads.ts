import { sleep } from '@etcd-compute/common/async/sleep';
import type { Keys } from '@etcd-compute/common/etcd/keys';
import type { ImageDownloads } from '@etcd-compute/common/etcd/messages/image-downloads';
import type { Store, Write } from '@etcd-compute/common/etcd/store';
import type { ProviderUuid, SessionUuid } from '@etcd-compute/common/ids';
import type { Logger } from '@etcd-compute/common/log';
import type { PresenceKeeper } from '../../session/presence.js';
import type { Download } from '../cache/cache.js';

export interface DownloadReportDeps {
  readonly store: Store;
  readonly keys: Keys;
  readonly host: ProviderUuid;
  readonly session: SessionUuid;
  /** What is said goes with the agent, and an agent that was replaced says nothing any more. */
  readonly presence: Pick<PresenceKeeper, 'fence' | 'leaseId'>;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

const EVERY_MS = 1000;

/**
 * Tells in etcd how far the downloads are, once a second while there are any, and removes it at their end. What takes less than a second
 * is not told at all. Without etcd, only the telling is lost.
 *
 * @returns to be called with all downloads in hand whenever one has moved, begun or ended.
 */
export const createDownloadReport = (deps: DownloadReportDeps): ((downloads: readonly Download[]) => void) => {
  const { log, signal } = deps;
  let latest: readonly Download[] = [];
  /** What was told last, or may have been; undefined when there is certainly nothing. */
  let told: readonly Download[] | undefined;
  let isTelling = false;
  const tell = async (): Promise<void> => {
    while (latest.length > 0 || told) {
      await sleep(EVERY_MS, signal, false);
      if (latest === told || (latest.length === 0 && !told)) continue;
      told = latest;
      try {
        await write(deps, told);
        if (told.length === 0) told = undefined;
      } catch (err) {
        told = [];
        log.debug({ err }, 'downloads not told');
      }
    }
  };
  return (downloads) => {
    latest = downloads;
    if (isTelling) return;
    isTelling = true;
    void tell()
      .catch(() => undefined) // the agent stops; its lease takes along what was told
      .finally(() => (isTelling = false));
  };
};

const write = async (
  { store, keys, host, session, presence }: DownloadReportDeps,
  downloads: readonly Download[],
): Promise<void> => {
  const key = keys.imageDownloads(host);
  const value: ImageDownloads = {
    version: 1,
    host,
    session,
    downloads: downloads.map(({ url, phase, bytes, totalBytes, bytesPerSecond }) => ({
      image: url,
      phase,
      bytes,
      total_bytes: totalBytes,
      bytes_per_second: bytesPerSecond === null ? null : Math.round(bytesPerSecond),
    })),
  };
  const change: Write =
    downloads.length === 0
      ? { op: 'delete', key }
      : { op: 'put', key, value: JSON.stringify(value), lease: presence.leaseId() };
  await store.txn([presence.fence.guard], [change]);
};
