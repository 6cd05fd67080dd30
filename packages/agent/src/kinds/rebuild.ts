import { hasDisk } from '../disks/disk-pool.js';
import { discardNextDisk } from '../steps/discard-next-disk.js';
import { fetchImage } from '../steps/fetch-image.js';
import { prepareDisk } from '../steps/prepare-disk.js';
import { replaceDisk } from '../steps/replace-disk.js';
import { setDiskFormat } from '../steps/set-disk-format.js';
import { WITHOUT_SAVED_MEMORY, type KindPlan } from './kind.js';
import { start } from './start.js';
import { stop } from './stop.js';

/** What takes long or may fail comes first: the guest runs meanwhile, and keeps its disk when it does fail. */
export const rebuild: KindPlan = {
  steps: [fetchImage, prepareDisk, ...stop.steps, replaceDisk, setDiskFormat, ...start.steps],
  needs: WITHOUT_SAVED_MEMORY,
  turn: {
    at: replaceDisk,
    isDone: async ({ getConnection, pool }, { instance }) =>
      !(await hasDisk(getConnection(), pool, { instance, isNext: true })),
    back: [discardNextDisk],
  },
};
