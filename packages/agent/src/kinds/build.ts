import { createConfigDrive } from '../steps/create-config-drive.js';
import { createDisk } from '../steps/create-disk.js';
import { createFurtherDisks } from '../steps/create-further-disks.js';
import { defineDomain } from '../steps/define-domain.js';
import { fetchImage } from '../steps/fetch-image.js';
import { reserveAddress } from '../steps/reserve-address.js';
import { resumeDomain } from '../steps/resume-domain.js';
import { startDomain } from '../steps/start-domain.js';
import type { KindPlan } from './kind.js';

/** Backwards, with `undo`, it goes from anything on its way to nothing. */
export const build: KindPlan = {
  steps: [
    fetchImage,
    createDisk,
    createFurtherDisks,
    reserveAddress,
    createConfigDrive,
    defineDomain,
    startDomain,
    resumeDomain,
  ],
};
