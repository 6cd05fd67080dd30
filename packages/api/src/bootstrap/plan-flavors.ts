import type { Draft } from '../compute/state/compute-store.js';

/** Name, MiB of memory, processors, GiB of disk. */
const FLAVORS = [
  ['m1.tiny', 512, 1, 1],
  ['m1.small', 2048, 1, 20],
  ['m1.medium', 4096, 2, 40],
  ['m1.large', 8192, 4, 80],
  ['m1.xlarge', 16_384, 8, 160],
] as const;

/** Makes some flavors where there are none. */
export const planFlavors = (draft: Draft): void => {
  if (draft.view.list('flavor').length > 0) return;
  for (const [index, [name, ram_mib, vcpus, disk_gib]] of FLAVORS.entries())
    draft.put('flavor', {
      version: 1,
      id: String(index + 1),
      name,
      ram_mib,
      vcpus,
      disk_gib,
      ephemeral_gib: 0,
      rxtx_factor: 1,
      is_public: true,
      projects: [],
      extra_specs: {},
    });
};
