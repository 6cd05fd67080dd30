import { sleep } from '@etcd-compute/common/async/sleep';
import { resumeDomain as resume } from '../domain.js';
import type { Step } from './step.js';

/** A storm of starts holds a guest up for no longer than this. */
const MAX_HOLD_MS = 10_000;
const LOOK_EVERY_MS = 50;

/**
 * Lets the guest go on that was started paused. Emulated guests take all there is of the processors while they boot: when many are
 * started at once, each would slow down the starts of all that come after it, so they wait until the last one is made.
 */
export const resumeDomain: Step = {
  name: 'resume-domain',
  kind: 'settling',
  timeoutSeconds: ({ timeouts }) => timeouts.domain,
  run: async ({ getConnection, isStarting }, { spec, signal }) => {
    const until = Date.now() + MAX_HOLD_MS;
    while (isStarting() && Date.now() < until) await sleep(LOOK_EVERY_MS, signal);
    await resume(getConnection(), spec.instance);
  },
};
