import type { KindPlan } from './kind.js';
import { start } from './start.js';

/** Not from off: that would be a boot. */
export const resume: KindPlan = { ...start, needs: ['running', 'paused', 'saved'] };
