import type { Logger } from '@etcd-compute/common/log';
import type { AgentConfig } from '../../config/config.js';
import { createImageCollector } from '../cache/collect.js';
import { publishImages, type ImageReportDeps } from './report.js';
import { followImageWishes } from './wishes.js';

export interface KeepImagesDeps extends ImageReportDeps {
  readonly config: Pick<AgentConfig, 'images' | 'timeouts' | 'period'>;
  /** @throws when a disk is out of sight, which may be on any image. */
  readonly checkDisks: () => Promise<void>;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

/** What an agent does with its cache beside fetching for boots: carries out people's wishes. @returns what is to be done every period. */
export const keepImages = (deps: KeepImagesDeps): (() => Promise<unknown>)[] => {
  const { countDisks, checkDisks } = deps;
  const { images, timeouts, period } = deps.config;
  /** A disk that is being made shows in no list yet. */
  const graceMs = timeouts.disk * 2000;
  followImageWishes({ ...deps, graceMs, timeoutMs: timeouts.image * 1000, relistMs: period * 1000 });
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
  return [collect, async () => publishImages(deps)];
};
