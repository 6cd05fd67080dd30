import { EcomputeError } from '@etcd-compute/common/errors';
import type { DomainDisk, DomainNetworkInterface, DomainSpec } from '@etcd-compute/libvirt/xml/domain';
import type { AgentConfig } from '../config/config.js';
import { isMetadataOn } from '../config/metadata.js';
import { sourceOf } from '../networks/host-networks.js';
import type { VirtType } from '../libvirt/virt-type.js';
import { renderMark, type DomainMark } from '../domains/domain.js';
import type { GuestSpec } from '../guest-config/guest-spec.js';
import { needed, type MadeDisk, type MadeSoFar } from './step.js';

/** What a domain is made from: the wish, what the steps before have made of it, and what the host is. */
export interface DomainInput {
  readonly spec: GuestSpec;
  readonly made: MadeSoFar;
  readonly config: Pick<AgentConfig, 'guests' | 'disks' | 'metadata' | 'network'>;
  readonly mark: DomainMark;
  readonly consoleLog: string;
  readonly virtType: VirtType;
  /** libvirt's name of the host's, which is the guests' too. */
  readonly arch: string;
}

type Firmware = 'bios' | 'uefi';

/** Machines other than a PC have no BIOS. */
const isPc = (arch: string): boolean => arch === 'x86_64';

/** @throws ECOMPUTE_REQUEST_INVALID */
const firmwareOf = ({ spec, config, arch }: Pick<DomainInput, 'spec' | 'config' | 'arch'>): Firmware => {
  const firmware = spec.guest.firmware ?? config.guests.firmware ?? (isPc(arch) ? 'bios' : 'uefi');
  if (firmware === 'uefi' || isPc(arch)) return firmware;
  throw new EcomputeError(
    'ECOMPUTE_REQUEST_INVALID',
    `instance ${spec.instance} wants BIOS, which ${arch} does not have`,
    {
      retryable: true,
      hint: 'boot it with --firmware uefi',
    },
  );
};

/** An emulated arm64 would be a board of long ago, with one processor and no PCI. */
const machineOf = ({ config, arch }: DomainInput): string | undefined =>
  config.guests.machine ?? (arch === 'aarch64' ? 'virt' : undefined);

/** Under KVM the guest gets the host's processor, emulated all that QEMU knows: its defaults are too old for today's systems. */
const cpuModeOf = ({ config, virtType }: DomainInput): DomainSpec['cpuMode'] => {
  const { cpu } = config.guests;
  if (virtType === 'test' || cpu === 'default') return undefined;
  if (cpu !== 'auto') return cpu;
  return virtType === 'kvm' ? 'host-passthrough' : 'maximum';
};

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
const disksOf = ({ made, config: { disks: config } }: DomainInput): DomainDisk[] => {
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

/**
 * Without a config drive, cloud-init looks at the machine's product for where else to look, and knows this one: the metadata address in
 * the layout of OpenStack. There is none for an address alone, nor one of EC2's that a machine with its own uuid could have.
 */
const smbiosOf = ({ config }: DomainInput): DomainSpec['smbios'] =>
  isMetadataOn(config) && config.guests.config_drive === 'none'
    ? { manufacturer: 'etcd-compute', product: 'OpenStack Nova' }
    : undefined;

/** Their ports have names of our choice, because the packet filter goes by them. */
const interfacesOf = ({ made, virtType }: DomainInput): DomainNetworkInterface[] =>
  needed(made.nics, 'the interfaces').map(({ network, mac, port }) => ({
    ...sourceOf(network),
    mac,
    model: 'virtio',
    ...(port !== undefined && virtType !== 'test' && { targetDev: port }),
  }));

/** The domain of an instance. libvirt's test driver has no devices but disks and interfaces. */
export const domainSpecOf = (input: DomainInput): DomainSpec => {
  const { spec, config, mark, consoleLog, virtType, arch } = input;
  const { balloon, agent } = config.guests;
  const machine = machineOf(input);
  const cpuMode = cpuModeOf(input);
  const smbios = smbiosOf(input);
  const isReal = virtType !== 'test';
  return {
    type: virtType,
    uuid: spec.instance,
    name: spec.instance,
    vcpus: spec.vcpus,
    memoryMiB: spec.memoryMiB,
    ...(isReal && { arch }),
    ...(machine !== undefined && { machine }),
    ...(cpuMode !== undefined && { cpuMode }),
    ...(firmwareOf(input) === 'uefi' && { firmware: 'efi' as const }),
    disks: disksOf(input),
    ...(isReal && smbios && { smbios }),
    interfaces: interfacesOf(input),
    serial: isReal ? { logFile: consoleLog } : {},
    hasRng: isReal,
    ...(isReal && agent && { guestAgent: {} }),
    ...(isReal && { hasMemoryBalloon: balloon }),
    hasPanicDevice: isReal && isPc(arch),
    metadata: [renderMark(mark)],
    // A guest that reboots stays; one that powers itself off or crashes is shut off, not forgotten.
    onPoweroff: 'destroy',
    onReboot: 'restart',
    onCrash: 'destroy',
  };
};
