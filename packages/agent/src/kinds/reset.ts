import { resetDomain } from '../steps/reset-domain.js';
import type { KindPlan } from './kind.js';

export const reset: KindPlan = { steps: [resetDomain], needs: ['running', 'paused'] };
