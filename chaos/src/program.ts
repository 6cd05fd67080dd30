import { fileURLToPath } from 'node:url';

/** `eschedule`, as built. */
export const PROGRAM = fileURLToPath(import.meta.resolve('@etcd-compute/scheduler/eschedule.cjs'));
