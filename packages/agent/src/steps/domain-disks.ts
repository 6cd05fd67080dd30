import type { DomainDisk, DomainSpec } from '@etcd-compute/libvirt/xml/domain';
import type { AgentConfig } from '../config/config.js';
import { needed, type MadeDisk, type MadeSoFar } from './step.js';

interface DisksInput {
  readonly made: Pick<MadeSoFar, 'disks' | 'configDrive'>;
  readonly config: Pick<AgentConfig, 'disks'>;
}

/** Of a disk in the order of the machine: `vda`, `vdb`, ... */
const targetOf = ({ bus }: AgentConfig['disks'], index: number): string =>
  `${bus === 'virtio' ? 'vd' : 'sd'}${(10 + index).toString(36)}`;

/** The places of the root disk and of the config drive. Further disks come behind, also where there is no config drive. */
const [ROOT, CONFIG_DRIVE, FIRST_FURTHER] = [0, 1, 2];

/** A disk of an instance as its domain has it. @param index in the order of the machine. */
const domainDiskOf = (
  { uuid, path, format }: MadeDisk,
  { config, index }: { readonly config: AgentConfig['disks']; readonly index: number },
): DomainDisk => {
  const { bus, cache, discard } = config;
  return {
    bus,
    device: 'disk',
    path,
    format,
    targetDev: targetOf(config, index),
    readOnly: false,
    discard,
    ...(cache !== undefined && { cache }),
    ...(index !== ROOT && { serial: uuid }),
  };
};

/** The config drive is a disk and not a CD-ROM: kernels that are made for clouds have no driver for the controllers of those. */
export const domainDisksOf = ({ made, config: { disks: config } }: DisksInput): DomainDisk[] => {
  const { configDrive } = made;
  const [root, ...further] = needed(made.disks, 'the disks');
  const drive = configDrive && {
    bus: config.bus,
    device: 'disk' as const,
    path: configDrive,
    format: 'raw' as const,
    targetDev: targetOf(config, CONFIG_DRIVE),
    readOnly: true,
  };
  return [
    domainDiskOf(root, { config, index: ROOT }),
    ...(drive ? [drive] : []),
    ...further.map((disk, at) => domainDiskOf(disk, { config, index: FIRST_FURTHER + at })),
  ];
};

/** One disk more, in the first free place of the machine and on the bus of its root disk. */
export const furtherDomainDisk = (
  disk: MadeDisk,
  { config, taken }: { readonly config: AgentConfig['disks']; readonly taken: Pick<DomainSpec, 'disks'> },
): DomainDisk => {
  const bus = taken.disks[ROOT]?.bus;
  const own = bus === 'virtio' || bus === 'scsi' || bus === 'sata' ? { ...config, bus } : config;
  const targets = new Set(taken.disks.map(({ targetDev }) => targetDev));
  let index: number = FIRST_FURTHER;
  while (targets.has(targetOf(own, index))) index += 1;
  return domainDiskOf(disk, { config: own, index });
};
