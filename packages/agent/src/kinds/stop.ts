import { discardSavedMemory } from '../steps/discard-saved-memory.js';
import { shutDownGuest } from '../steps/shut-down-guest.js';
import { stopDomain } from '../steps/stop-domain.js';
import type { KindPlan } from './kind.js';

export const stop: KindPlan = { steps: [shutDownGuest, stopDomain, discardSavedMemory] };
