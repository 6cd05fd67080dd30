import { createConfigDrive } from './create-config-drive.js';
import { createDisk } from './create-disk.js';
import { defineDomain } from './define-domain.js';
import { fetchImage } from './fetch-image.js';
import { reserveAddress } from './reserve-address.js';
import { resumeDomain } from './resume-domain.js';
import { shutDownGuest } from './shut-down-guest.js';
import { startDomain } from './start-domain.js';
import type { Step } from './step.js';
import { stopDomain } from './stop-domain.js';

/** The lists of steps that the agent carries out. Tests walk all of them, so a new step here is covered at once. */
export interface Tasks {
  /** From a boot request to a guest that runs. Backwards, with `undo`: from anything on that way to nothing. */
  readonly build: readonly Step[];
  readonly start: readonly Step[];
  readonly stop: readonly Step[];
  readonly reboot: readonly Step[];
}

export const TASKS: Tasks = {
  build: [fetchImage, createDisk, reserveAddress, createConfigDrive, defineDomain, startDomain, resumeDomain],
  start: [startDomain, resumeDomain],
  stop: [shutDownGuest, stopDomain],
  reboot: [shutDownGuest, stopDomain, startDomain, resumeDomain],
};
