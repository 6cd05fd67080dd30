import type { Logger } from '@etcd-compute/common/log';
import type { AgentConfig } from '../../config/config.js';
import { checkDisksAreThere } from '../../disks/check-disks.js';
import { countDisksOnImages, type DiskPool } from '../../disks/disk-pool.js';
import type { Lend } from '../../libvirt/link.js';
import { createImageCollector } from '../cache/collect.js';
import { publishImages, type ImageReportDeps } from './report.js';
import { followImageWishes } from './wishes.js';

export interface KeepImagesDeps extends Omit<ImageReportDeps, 'countDisks'> {
  readonly config: Pick<AgentConfig, 'images' | 'timeouts' | 'period'>;
  readonly lend: Lend;
  readonly pool: DiskPool;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

/** What an agent does with its cache beside fetching for boots: carries out people's wishes. @returns what is to be done every period. */
export const keepImages = (deps: KeepImagesDeps): (() => Promise<unknown>)[] => {
  const { config, lend, pool } = deps;
  const { images, timeouts, period } = config;
  const countDisks = async (): Promise<ReadonlyMap<string, number>> =>
    lend('work', async (connection) => countDisksOnImages(connection, pool));
  const checkDisks = async (): Promise<void> =>
    lend('work', async (connection) => checkDisksAreThere(connection, pool, deps.host));
  /** A disk that is being made shows in no list yet. */
  const graceMs = timeouts.disk * 2000;
  const report = { ...deps, countDisks };
  followImageWishes({ ...report, checkDisks, graceMs, timeoutMs: timeouts.image * 1000, relistMs: period * 1000 });
  const collect = createImageCollector({
    images: deps.images,
    countDisks: async () => {
      await checkDisks();
      return countDisks();
    },
    keepMs: images.keep_hours * 3_600_000,
    graceMs,
    now: Date.now,
  });
  return [collect, async () => publishImages(report)];
};
