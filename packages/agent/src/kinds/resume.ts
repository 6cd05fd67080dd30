import { resumeDomain } from '../steps/resume-domain.js';
import { startDomain } from '../steps/start-domain.js';
import type { KindPlan } from './kind.js';

/** Not from off: that would be a boot. */
export const resume: KindPlan = { steps: [startDomain, resumeDomain], needs: ['running', 'paused', 'saved'] };
