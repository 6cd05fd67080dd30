import { discardSavedMemory } from '../instances/steps/discard-saved-memory.js';
import { shutDownGuest } from '../instances/steps/shut-down-guest.js';
import { stopDomain } from '../instances/steps/stop-domain.js';
import type { KindPlan } from './kind.js';

export const stop: KindPlan = { steps: [shutDownGuest, stopDomain, discardSavedMemory] };
