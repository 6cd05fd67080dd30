import type { ActionName } from '@etcd-compute/common/wishes/kinds';
import { build } from './build.js';
import type { KindPlan } from './kind.js';
import { KIND_PLANS } from './kinds.js';

/** What the agent carries out step by step: `build`, and each kind of wish. Tests walk all of them, so a new one is covered at once. */
export type Tasks = Readonly<Record<'build' | ActionName, KindPlan>>;

export const TASKS: Tasks = { build, ...KIND_PLANS };
