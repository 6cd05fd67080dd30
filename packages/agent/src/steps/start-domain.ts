import { EcomputeError } from '@etcd-compute/common/errors';
import type { InstanceUuid } from '@etcd-compute/common/ids';
import type { Connection } from '@etcd-compute/libvirt/connection';
import { DomainCreateFlags } from '@etcd-compute/libvirt/constants';
import { explainMissingDisk } from '../disks/check-disks.js';
import { destroyDomain, findDomain } from '../domains/domain.js';
import { hintOfMissingFirmware } from '../domains/missing-firmware.js';
import type { Step, StepDeps } from './step.js';

export const startDomain: Step = {
  name: 'start-domain',
  kind: 'starting',
  timeoutSeconds: ({ timeouts }) => timeouts.domain + timeouts.libvirt,
  run: async ({ getConnection, lend, filter, virtType, pool, mark: { host } }, { spec: { instance }, signal }) => {
    await admit({ getConnection, filter }, instance, signal);
    const start = async (connection: Connection): Promise<void> => {
      await using domain = await connection.domainLookupByUUID(instance, { signal });
      // The processors of an emulated guest wait for `resume-domain`.
      await domain.create(virtType === 'qemu' ? DomainCreateFlags.PAUSED : 0, { signal });
    };
    try {
      await lend('work', start, signal);
    } catch (cause) {
      signal.throwIfAborted();
      if (await isActive(getConnection(), instance)) return; // it ran already; drivers have different errors for that
      // libvirt's test driver has disks without files.
      const missing =
        virtType === 'test' ? undefined : await explainMissingDisk(getConnection(), pool, { instance, host, cause });
      if (missing) throw missing;
      throw new EcomputeError('ECOMPUTE_DOMAIN_FAILED', `could not start domain ${instance}`, {
        cause,
        retryable: true,
        hint:
          hintOfMissingFirmware(cause) ??
          `see the hypervisor's log of the domain; for QEMU it is /var/log/libvirt/qemu/${instance}.log`,
      });
    }
  },
  undo: async ({ lend }, instance, signal) =>
    lend('destroy', async (connection) => destroyDomain(connection, instance, { signal }), signal),
};

/** Lets the guest's packets through, before it sends the first. */
const admit = async (
  { getConnection, filter }: Pick<StepDeps, 'getConnection' | 'filter'>,
  instance: InstanceUuid,
  signal: AbortSignal,
): Promise<void> => {
  await using domain = await getConnection().domainLookupByUUID(instance, { signal });
  await filter.admit(domain);
};

const isActive = async (connection: Connection, instance: InstanceUuid): Promise<boolean> => {
  await using domain = await findDomain(connection, instance);
  return domain !== undefined && (await domain.isActive());
};
