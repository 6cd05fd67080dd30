import type { Want } from '@etcd-compute/common/capacity/capacity';
import type { BootImage } from '../servers.js';
import type { OwnFlavor } from '../state/server-record.js';

const GIB = 2 ** 30;

/** A flavor without a disk means one that is as large as the image. */
export const diskOf = ({ disk_gib }: Pick<OwnFlavor, 'disk_gib'>, { virtualSizeBytes }: BootImage): number =>
  disk_gib > 0 ? disk_gib : Math.max(1, Math.ceil(virtualSizeBytes / GIB));

/** What a server needs of a host. Of the extra specs, `trait:NAME` counts: `required` or `forbidden`. */
export const wantOf = (flavor: OwnFlavor, image: BootImage): Want => {
  const traits = (how: string): string[] =>
    Object.entries(flavor.extra_specs).flatMap(([name, value]) =>
      name.startsWith('trait:') && value === how ? [name.slice('trait:'.length)] : [],
    );
  return {
    resources: { VCPU: flavor.vcpus, MEMORY_MB: flavor.ram_mib, DISK_GB: diskOf(flavor, image) + flavor.ephemeral_gib },
    required: traits('required'),
    forbidden: traits('forbidden'),
  };
};
