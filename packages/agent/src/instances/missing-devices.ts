import { basename } from 'node:path';
import type { Fault, InstanceRecord } from '@etcd-compute/common/etcd/messages/instance-record';
import type { ErrorCode } from '@etcd-compute/common/errors';
import type { DomainSpec } from '@etcd-compute/libvirt/xml/domain';
import { diskFile } from '../disks/disk-pool.js';
import { furtherDiskFile } from '../disks/further-disks.js';
import { findDomain } from '../domains/domain.js';
import { readDomainViews } from '../domains/devices.js';
import { nameOfSource } from '../networks/host-networks.js';
import type { StepDeps } from '../steps/step.js';

/** Disks and interfaces that an instance should have, and that somebody has taken from its domain, as with `virsh detach-disk`. */

const CODE = 'ECOMPUTE_DEVICE_MISSING' satisfies ErrorCode;

type Devices = Pick<DomainSpec, 'disks' | 'interfaces'>;
type Reported = Pick<InstanceRecord, 'instance' | 'disks' | 'nics'>;

/**
 * Pure.
 *
 * @param views the definition of the domain, and what it runs with.
 * @returns such as `disk 0b9d…`.
 */
export const listMissingDevices = ({ instance, disks, nics }: Reported, views: readonly Devices[]): string[] => {
  const isMissing = (isThere: (devices: Devices) => boolean): boolean => !views.every(isThere);
  const hasDisk =
    (file: string) =>
    (devices: Devices): boolean =>
      devices.disks.some(({ path = '' }) => basename(path) === file);
  const isOn =
    (network: string) =>
    ({ interfaces }: Devices): boolean =>
      interfaces.some((one) => nameOfSource(one) === network);
  return [
    ...(isMissing(hasDisk(diskFile(instance))) ? ['its root disk'] : []),
    ...disks
      .filter(({ uuid }) => isMissing(hasDisk(furtherDiskFile({ instance, disk: uuid }))))
      .map(({ uuid }) => `disk ${uuid}`),
    ...(nics ?? [])
      .filter(({ network }) => isMissing(isOn(network)))
      .map(({ network }) => `the interface on the network '${network}'`),
  ];
};

/** @returns none when there is no such domain. */
export const findMissingDevices = async (
  { getConnection, virtType }: Pick<StepDeps, 'getConnection' | 'virtType'>,
  record: Reported,
): Promise<string[]> => {
  await using domain = await findDomain(getConnection(), record.instance);
  if (!domain) return [];
  const { definition, guest } = await readDomainViews(domain, { hasHotPlug: virtType !== 'test' });
  return listMissingDevices(record, [definition, ...(guest ? [guest] : [])]);
};

/** @returns null when nothing is missing. */
export const faultOfMissingDevices = (missing: readonly string[]): Fault | null =>
  missing.length === 0
    ? null
    : {
        code: CODE,
        message: `the domain lacks ${missing.join(', ')}`,
        step: null,
        hint: 'what only its guest lacks is there again after a stop and a start; what is not wanted can be removed',
        retryable: false,
      };

/** Whether a record says something else of what is missing. Another fault of the guest is told first. */
export const isNews = (fault: Fault | null, told: Fault | null): boolean =>
  (told === null || told.code === CODE) && told?.message !== fault?.message;
