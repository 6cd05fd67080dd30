import type { ActionName } from '@etcd-compute/common/wishes/kinds';
import { KIND_PLANS } from './kinds.js';
import { createConfigDrive } from '../steps/create-config-drive.js';
import { createDisk } from '../steps/create-disk.js';
import { defineDomain } from '../steps/define-domain.js';
import { fetchImage } from '../steps/fetch-image.js';
import { reserveAddress } from '../steps/reserve-address.js';
import { resumeDomain } from '../steps/resume-domain.js';
import { startDomain } from '../steps/start-domain.js';
import type { Step } from '../steps/step.js';

/**
 * The lists of steps that the agent carries out: `build`, and one for each kind of wish. Tests walk all of them, so a new one is covered at
 * once. Backwards, with `undo`, a build goes from anything on its way to nothing.
 */
export type Tasks = Readonly<Record<'build' | ActionName, readonly Step[]>>;

const BUILD = [fetchImage, createDisk, reserveAddress, createConfigDrive, defineDomain, startDomain, resumeDomain];

export const TASKS: Tasks = {
  build: BUILD,
  start: KIND_PLANS.start.steps,
  stop: KIND_PLANS.stop.steps,
  reboot: KIND_PLANS.reboot.steps,
  pause: KIND_PLANS.pause.steps,
  suspend: KIND_PLANS.suspend.steps,
  resume: KIND_PLANS.resume.steps,
};
