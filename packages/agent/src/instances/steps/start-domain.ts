import { EcomputeError } from '@etcd-compute/common/errors';
import { isLibvirtError } from '@etcd-compute/libvirt/errors';
import { destroyDomain } from '../domain.js';
import type { Step } from './step.js';

export const startDomain: Step = {
  name: 'start-domain',
  kind: 'starting',
  timeoutSeconds: ({ timeouts }) => timeouts.domain,
  run: async ({ getConnection }, { spec }) => {
    await using domain = await getConnection().domainLookupByUUID(spec.instance);
    try {
      await domain.create();
    } catch (cause) {
      if (isLibvirtError(cause, 'VIR_ERR_OPERATION_INVALID') && (await domain.isActive())) return; // by an earlier run
      throw new EcomputeError('ECOMPUTE_DOMAIN_FAILED', `could not start domain ${spec.instance}`, {
        cause,
        retryable: true,
        hint: `look into the hypervisor's log of the domain, for QEMU /var/log/libvirt/qemu/${spec.instance}.log`,
      });
    }
  },
  undo: async ({ getConnection }, instance) => destroyDomain(getConnection(), instance),
};
