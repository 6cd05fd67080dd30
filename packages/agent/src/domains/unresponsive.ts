import type { Fault } from '@etcd-compute/common/etcd/messages/instance-record';
import type { ErrorCode } from '@etcd-compute/common/errors';
import type { InstanceUuid } from '@etcd-compute/common/ids';

/** What a record says of a guest whose hypervisor process does not answer libvirt; it goes when the process answers again. */

const CODE = 'ECOMPUTE_DOMAIN_UNRESPONSIVE' satisfies ErrorCode;

export const faultOfUnresponsive = (instance: InstanceUuid): Fault => ({
  code: CODE,
  message: 'its hypervisor process does not answer libvirt',
  step: null,
  hint: `its host's disks may not answer, or the process is stopped; to end it: eschedule stop --hard ${instance}, then start it again`,
  retryable: false,
});

/** The fault without that one. */
export const withoutUnresponsive = (fault: Fault | null): Fault | null => (fault?.code === CODE ? null : fault);
