import type { KindPlan } from './kind.js';
import { start } from './start.js';
import { stop } from './stop.js';

export const reboot: KindPlan = { steps: [...stop.steps, ...start.steps] };
