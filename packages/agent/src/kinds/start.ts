import { createConfigDrive } from '../steps/create-config-drive.js';
import { resumeDomain } from '../steps/resume-domain.js';
import { startDomain } from '../steps/start-domain.js';
import type { KindPlan } from './kind.js';

/** The guest is told what has been edited since it was started last. */
export const start: KindPlan = { steps: [createConfigDrive, startDomain, resumeDomain] };
