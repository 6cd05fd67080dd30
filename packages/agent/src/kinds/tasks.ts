import type { ActionName } from '@etcd-compute/common/wishes/kinds';
import type { KindPlan } from './kind.js';
import { KIND_PLANS } from './kinds.js';
import { createConfigDrive } from '../steps/create-config-drive.js';
import { createFurtherDisks } from '../steps/create-further-disks.js';
import { createDisk } from '../steps/create-disk.js';
import { defineDomain } from '../steps/define-domain.js';
import { fetchImage } from '../steps/fetch-image.js';
import { reserveAddress } from '../steps/reserve-address.js';
import { resumeDomain } from '../steps/resume-domain.js';
import { startDomain } from '../steps/start-domain.js';

/**
 * What the agent carries out step by step: `build`, and each kind of wish. Tests walk all of them, so a new one is covered at once.
 * Backwards, with `undo`, a build goes from anything on its way to nothing.
 */
export type Tasks = Readonly<Record<'build' | ActionName, KindPlan>>;

const BUILD = [
  fetchImage,
  createDisk,
  createFurtherDisks,
  reserveAddress,
  createConfigDrive,
  defineDomain,
  startDomain,
  resumeDomain,
];

export const TASKS: Tasks = { build: { steps: BUILD }, ...KIND_PLANS };
