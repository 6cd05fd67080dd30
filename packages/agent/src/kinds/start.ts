import { resumeDomain } from '../instances/steps/resume-domain.js';
import { startDomain } from '../instances/steps/start-domain.js';
import type { KindPlan } from './kind.js';

export const start: KindPlan = { steps: [startDomain, resumeDomain] };
