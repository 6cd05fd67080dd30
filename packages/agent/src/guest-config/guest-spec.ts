import { resourcesOn, type BootRequest } from '@etcd-compute/common/etcd/messages/boot-request';
import type { GuestMembers } from '@etcd-compute/common/etcd/messages/guest-config';
import type { SnapshotSource } from '@etcd-compute/common/etcd/messages/snapshot';
import { imageOfCopy } from '@etcd-compute/common/etcd/messages/shelved';
import type { WantedNic } from '@etcd-compute/common/etcd/messages/nics';
import { EcomputeError } from '@etcd-compute/common/errors';
import { DEFAULT_PROJECT, type InstanceUuid, type ProviderUuid } from '@etcd-compute/common/ids';
import { planDisks, type PlannedDisk, type PlannedDisks } from '../disks/disks.js';

/** The guest that a boot request asks for. */
export interface GuestSpec {
  readonly instance: InstanceUuid;
  readonly project: string;
  readonly imageUrl: string;
  /** `sha256:...` of what the URL gives. */
  readonly imageChecksum: string | undefined;
  /** Which host holds the image, when it is a snapshot. */
  readonly imageSource?: SnapshotSource | undefined;
  readonly vcpus: number;
  readonly memoryMiB: number;
  readonly disks: PlannedDisks;
  /** Undefined: those that its host gives to every guest. */
  readonly nics: readonly WantedNic[] | undefined;
  /** Its name, which becomes the guest's host name unless it is told another one. */
  readonly name: string | undefined;
  /** What the guest gets to know. Contains secrets: never log it. */
  readonly guest: GuestMembers;
}

/** @throws ECOMPUTE_REQUEST_INVALID when the request does not say enough to build from. */
export const specOf = (request: BootRequest, host: ProviderUuid): GuestSpec => {
  const resources = resourcesOn(request, host) ?? {};
  const amount = (resourceClass: string): number => {
    const value = resources[resourceClass];
    if (value !== undefined && value > 0) return value;
    throw new EcomputeError(
      'ECOMPUTE_REQUEST_INVALID',
      `the boot request of instance ${request.instance} has no ${resourceClass}`,
      {
        hint: 'an instance needs VCPU, MEMORY_MB and DISK_GB',
      },
    );
  };
  if (request.image === null)
    throw new EcomputeError(
      'ECOMPUTE_REQUEST_INVALID',
      `the boot request of instance ${request.instance} has no image`,
    );
  const disks = planDisks(request, amount('DISK_GB'));
  return {
    instance: request.instance,
    project: request.project_id ?? DEFAULT_PROJECT,
    ...imageOf({ ...request, image: request.image }, disks[0]),
    vcpus: amount('VCPU'),
    memoryMiB: amount('MEMORY_MB'),
    disks,
    nics: request.nics,
    name: request.name,
    guest: guestOf(request),
  };
};

/** What the root disk is made from. */
const imageOf = (
  request: BootRequest & { readonly image: string },
  { copy }: PlannedDisk,
): Pick<GuestSpec, 'imageUrl' | 'imageChecksum' | 'imageSource'> =>
  copy
    ? { imageUrl: imageOfCopy(copy), imageChecksum: undefined, imageSource: copy.source }
    : { imageUrl: request.image, imageChecksum: request.image_checksum, imageSource: request.image_source };

const guestOf = ({
  ssh_keys,
  user_data,
  user_data_base64,
  meta,
  firmware,
  hostname,
  admin_pass,
}: BootRequest): GuestSpec['guest'] => ({
  ssh_keys,
  user_data,
  user_data_base64,
  meta,
  firmware,
  hostname,
  admin_pass,
});
