import { saveMemory } from '../steps/save-memory.js';
import type { KindPlan } from './kind.js';

export const suspend: KindPlan = { steps: [saveMemory], needs: ['running', 'paused', 'saved'] };
