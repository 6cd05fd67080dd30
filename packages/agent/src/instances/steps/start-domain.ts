import { EcomputeError } from '@etcd-compute/common/errors';
import { destroyDomain, startDomainHeld } from '../domain.js';
import { hintOfMissingFirmware } from '../missing-firmware.js';
import type { Step } from './step.js';

export const startDomain: Step = {
  name: 'start-domain',
  kind: 'starting',
  timeoutSeconds: ({ timeouts }) => timeouts.domain,
  run: async ({ getConnection, filter, virtType }, { spec }) => {
    await using domain = await getConnection().domainLookupByUUID(spec.instance);
    await filter.admit(domain);
    try {
      await startDomainHeld(domain, { isHeld: virtType !== 'kvm' });
    } catch (cause) {
      if (await domain.isActive()) return; // it ran already; drivers have different errors for that
      throw new EcomputeError('ECOMPUTE_DOMAIN_FAILED', `could not start domain ${spec.instance}`, {
        cause,
        retryable: true,
        hint:
          hintOfMissingFirmware(cause) ??
          `look into the hypervisor's log of the domain, for QEMU /var/log/libvirt/qemu/${spec.instance}.log`,
      });
    }
  },
  undo: async ({ getConnection }, instance) => destroyDomain(getConnection(), instance),
};
