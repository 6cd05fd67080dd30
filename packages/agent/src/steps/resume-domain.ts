import { sleep } from '@etcd-compute/common/async/sleep';
import { EcomputeError } from '@etcd-compute/common/errors';
import type { InstanceUuid } from '@etcd-compute/common/ids';
import type { Connection } from '@etcd-compute/libvirt/connection';
import { findPauseReason, observePause, resumeDomain as resume, type Pause } from '../domains/domain.js';
import { faultOfPause } from '../domains/pause.js';
import type { Step, StepDeps } from './step.js';

/** A storm of starts holds a guest up for no longer than this. */
const MAX_HOLD_MS = 10_000;
const LOOK_EVERY_MS = 50;
const LOOK_FOR_MS = 1000;

/**
 * Lets the guest go on that was started paused. Emulated guests take all there is of the processors while they boot: when many are
 * started at once, each would slow down the starts of all that come after it, so they wait until the last one is made.
 */
export const resumeDomain: Step = {
  name: 'resume-domain',
  kind: 'settling',
  timeoutSeconds: ({ timeouts }) => timeouts.domain + timeouts.libvirt,
  run: async ({ getConnection, lend, pool, isStarting }, { spec: { instance }, signal }) => {
    const until = Date.now() + MAX_HOLD_MS;
    while (isStarting() && Date.now() < until) await sleep(LOOK_EVERY_MS, signal);
    // A question: an answer that is lost says nothing of this guest, so it must not be asked on a lent connection.
    const findReason = async (): Promise<string | null> => findPauseReason(getConnection(), instance, { signal });
    const reason = await findReason();
    if (reason === null) return;
    try {
      await lend('work', async (connection) => resume(connection, instance, { signal }), signal);
    } catch (err) {
      signal.throwIfAborted();
      if ((await findReason()) !== null) throw err; // otherwise it goes on, or is gone
    }
    if (reason === 'ioerror') await checkGoesOn({ lend, pool }, instance, signal);
  },
};

/** A guest whose disk still fails is paused again within some milliseconds. @throws ECOMPUTE_GUEST_DISK_FULL, ECOMPUTE_GUEST_DISK_FAILED */
const checkGoesOn = async (
  { lend, pool: { folder } }: Pick<StepDeps, 'lend' | 'pool'>,
  instance: InstanceUuid,
  signal: AbortSignal,
): Promise<void> => {
  const observe = async (connection: Connection): Promise<Pause | null> =>
    observePause(connection, instance, { signal });
  const until = Date.now() + LOOK_FOR_MS;
  while (Date.now() < until) {
    const fault = faultOfPause(await lend('guest', observe, signal), { instance, folder });
    if (fault) throw new EcomputeError(fault.code, fault.message, { ...(fault.hint !== null && { hint: fault.hint }) });
    await sleep(LOOK_EVERY_MS, signal);
  }
};
