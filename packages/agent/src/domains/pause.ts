import type { Fault } from '@etcd-compute/common/etcd/messages/instance-record';
import type { ErrorCode } from '@etcd-compute/common/errors';
import type { InstanceUuid } from '@etcd-compute/common/ids';
import type { Pause } from './domain.js';

/** What is wrong with a guest that is paused. A person may pause one: that is no fault. */

const DISK_FULL = 'ECOMPUTE_GUEST_DISK_FULL' satisfies ErrorCode;
const DISK_FAILED = 'ECOMPUTE_GUEST_DISK_FAILED' satisfies ErrorCode;

/** QEMU pauses a guest whose disk cannot be written, so that the guest loses nothing. Null for any other reason. */
export const faultOfPause = (
  pause: Pause | null,
  { instance, folder }: { instance: InstanceUuid; folder: string },
): (Fault & { readonly code: ErrorCode }) | null => {
  if (pause?.reason !== 'ioerror') return null;
  const full = pause.disks.filter(({ error }) => error === 'no-space');
  const disks = (full.length > 0 ? full : pause.disks).map(({ disk }) => disk).join(', ');
  const what = `the guest is paused: its disk ${disks}`.trimEnd();
  const goOn = `then let the guest go on: eschedule start ${instance}`;
  const common = { step: null, retryable: false };
  return full.length > 0
    ? {
        ...common,
        code: DISK_FULL,
        message: `${what} could not be written, because its host has no space`,
        hint: `make room in the file system of ${folder} on its host, ${goOn}`,
      }
    : {
        ...common,
        code: DISK_FAILED,
        message: `${what} could not be read or written`,
        hint: `see /var/log/libvirt/qemu/${instance}.log and the kernel's log on its host, fix the cause, ${goOn}`,
      };
};

/** The fault without one of a pause. */
export const withoutPause = (fault: Fault | null): Fault | null =>
  fault?.code === DISK_FULL || fault?.code === DISK_FAILED ? null : fault;
