import { EcomputeError } from '@etcd-compute/common/errors';
import { findPauseReason, suspendDomain } from '../domains/domain.js';
import type { Step } from './step.js';

/** Lets the guest's processors stand still. */
export const pauseDomain: Step = {
  name: 'pause-domain',
  kind: 'quick',
  timeoutSeconds: ({ timeouts }) => timeouts.domain + timeouts.libvirt,
  run: async ({ getConnection, lend }, { spec: { instance }, signal }) => {
    const isPaused = async (): Promise<boolean> =>
      (await findPauseReason(getConnection(), instance, { signal })) !== null;
    if (await isPaused()) return;
    try {
      await lend('guest', async (connection) => suspendDomain(connection, instance, { signal }), signal);
    } catch (cause) {
      signal.throwIfAborted();
      if (await isPaused()) return;
      throw new EcomputeError('ECOMPUTE_DOMAIN_FAILED', `could not pause domain ${instance}`, { cause });
    }
  },
};
