import { createDisk } from './create-disk.js';
import { defineDomain } from './define-domain.js';
import { fetchImage } from './fetch-image.js';
import { reserveAddress } from './reserve-address.js';
import { startDomain } from './start-domain.js';
import type { Step } from './step.js';

/** From a boot request to a guest that runs. Backwards, with `undo`: from anything on that way to nothing. */
export const BUILD_STEPS: readonly Step[] = [fetchImage, createDisk, reserveAddress, defineDomain, startDomain];
