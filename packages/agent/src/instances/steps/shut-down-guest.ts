import { sleep } from '@etcd-compute/common/async/sleep';
import { isLibvirtError } from '@etcd-compute/libvirt/errors';
import { findDomain } from '../domain.js';
import type { Step } from './step.js';

/** A guest that is still booting does not hear the first press of its power button. */
const PRESS_EVERY_MS = 10_000;
const LOOK_EVERY_MS = 250;

/** Presses the guest's power button and waits for it to go down, for a while: what comes next pulls the plug. */
export const shutDownGuest: Step = {
  name: 'shut-down-guest',
  kind: 'waiting',
  timeoutSeconds: ({ timeouts }) => timeouts.guest_shutdown + timeouts.domain,
  run: async ({ getConnection, config }, { spec, signal }) => {
    await using domain = await findDomain(getConnection(), spec.instance);
    if (!domain) return;
    const startedAt = Date.now();
    const waitedMs = (): number => Date.now() - startedAt;
    let pressedAt = Number.NEGATIVE_INFINITY;
    while ((await domain.isActive()) && waitedMs() < config.timeouts.guest_shutdown * 1000) {
      if (Date.now() - pressedAt >= PRESS_EVERY_MS) {
        pressedAt = Date.now();
        await domain.shutdown().catch((err: unknown) => {
          if (!isLibvirtError(err, 'VIR_ERR_OPERATION_INVALID')) throw err; // it went down in between
        });
      }
      await sleep(LOOK_EVERY_MS, signal);
    }
  },
};
