import type { HeldImage, ImageCache } from './cache.js';

export interface CollectorOptions {
  readonly images: ImageCache;
  /** How many disks are on each image, by its SHA-256. */
  readonly countDisks: () => Promise<ReadonlyMap<string, number>>;
  readonly keepMs: number;
  /** How long making a disk on an image may take. */
  readonly graceMs: number;
  readonly now: () => number;
}

/**
 * Removes what is left of old downloads, and the cached images that nobody has asked for in `keepMs` and no disk is on: without its image, a disk is lost. What is on
 * what is asked of libvirt each time; where it does not answer, nothing is removed.
 *
 * @returns what was removed.
 */
export const createImageCollector =
  ({ images, countDisks, keepMs, graceMs, now }: CollectorOptions): (() => Promise<HeldImage[]>) =>
  async () => {
    await images.collectLeftovers(now());
    const old = (await images.list()).filter(({ usedAtMs }) => now() - usedAtMs >= keepMs);
    if (old.length === 0) return [];
    const disks = await countDisks();
    const removed: HeldImage[] = [];
    for (const image of old) if (!disks.has(image.sha256) && (await images.remove(image, graceMs))) removed.push(image);
    return removed;
  };
