import pLimit from 'p-limit';
import { EcomputeError, formatErrorChain } from '@etcd-compute/common/errors';
import type { InstanceUuid } from '@etcd-compute/common/ids';
import { findInstance } from '../instances/find-instance.js';
import type { Run } from '../run.js';
import type { Services } from '../services.js';
import { moveAside } from '../shelving/move-aside.js';

export interface MoveStoppedOptions {
  readonly instances: readonly InstanceUuid[];
  readonly timeoutMs: number;
}

/** At a time: each copies disks on the host, and sends them from there. */
const PARALLEL = 2;

/** Moves stopped instances to other hosts that have room. @returns why, for each that is not moved. */
export const moveStopped = async (
  services: Services,
  { instances, timeoutMs }: MoveStoppedOptions,
  running: Run,
): Promise<ReadonlyMap<string, string>> => {
  const deadline = performance.now() + timeoutMs;
  const failures = new Map<string, string>();
  const bounded = pLimit(PARALLEL);
  const moveOne = async (instance: InstanceUuid): Promise<void> => {
    try {
      const entry = await findInstance(services, instance);
      await moveAside(services, { entry, leftMs: () => Math.max(0, deadline - performance.now()) }, running);
    } catch (err) {
      running.signal.throwIfAborted();
      if (!(err instanceof EcomputeError)) throw err;
      failures.set(instance, formatErrorChain(err));
    }
  };
  await Promise.all(instances.map((instance) => bounded(async () => moveOne(instance))));
  return failures;
};
