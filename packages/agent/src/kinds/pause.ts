import { pauseDomain } from '../steps/pause-domain.js';
import type { KindPlan } from './kind.js';

export const pause: KindPlan = { steps: [pauseDomain], needs: ['running', 'paused'] };
