import type { Duplex } from 'node:stream';
import { EcomputeError } from '@etcd-compute/common/errors';
import type { InstanceUuid } from '@etcd-compute/common/ids';
import type { Connection } from '@etcd-compute/libvirt/connection';
import { DomainConsoleFlags } from '@etcd-compute/libvirt/constants';
import { LibvirtError } from '@etcd-compute/libvirt/errors';

export interface InputTarget {
  readonly instance: InstanceUuid;
  /** Takes the console from whoever has it, also from a `virsh console` on the host. */
  readonly isForced: boolean;
}

/**
 * The guest's serial console, to type at. What the guest says comes back too, and has to be read, or the guest would wait; people are
 * shown the console's log, which the hypervisor writes all the same.
 *
 * @throws ECOMPUTE_CONSOLE_BUSY when somebody else on this host has it, ECOMPUTE_CONSOLE_CLOSED when the guest does not run.
 */
export const openInput = async (connection: Connection, { instance, isForced }: InputTarget): Promise<Duplex> => {
  try {
    await using domain = await connection.domainLookupByUUID(instance);
    return await domain.openConsole(null, isForced ? DomainConsoleFlags.FORCE : 0);
  } catch (cause) {
    if (!(cause instanceof LibvirtError)) throw cause;
    if (cause.code === 'VIR_ERR_NO_DOMAIN' || cause.code === 'VIR_ERR_OPERATION_INVALID')
      throw new EcomputeError(
        'ECOMPUTE_CONSOLE_CLOSED',
        `could not open the console of instance ${instance}: it does not run`,
        {
          cause,
          hint: 'start it first',
        },
      );
    if (cause.code !== 'VIR_ERR_OPERATION_FAILED') throw cause;
    throw new EcomputeError('ECOMPUTE_CONSOLE_BUSY', `could not open the console of instance ${instance}`, {
      cause,
      hint: 'somebody has it open on the host itself (`virsh console`); `--force` takes it over',
    });
  }
};
