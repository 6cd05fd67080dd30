import { EcomputeError } from '@etcd-compute/common/errors';
import type { DomainNetworkInterface, DomainSpec } from '@etcd-compute/libvirt/xml/domain';
import type { AgentConfig } from '../config/config.js';
import { isMetadataOn } from '../config/metadata.js';
import { sourceOf } from '../networks/host-networks.js';
import type { Nic } from '../networks/nics.js';
import type { VirtType } from '../libvirt/virt-type.js';
import { renderMark, type DomainMark } from '../domains/domain.js';
import type { GuestSpec } from '../guest-config/guest-spec.js';
import { domainDisksOf } from './domain-disks.js';
import { needed, type MadeSoFar, type StepDeps } from './step.js';

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

/** So many devices can be added while the guest runs. Those that are added to one that is off get ports of their own. */
const SPARE_PORTS = 8;
/** Of a guest with all that we give it: random numbers, balloon, channel of the guest agent, USB, SCSI. */
const PORTS_OF_OTHERS = 5;

/** The machines of QEMU with PCI Express; in the older `pc` devices are added anyway. */
const pciePortsOf = ({ spec, made }: DomainInput, machine: string | undefined): number | undefined => {
  if (machine === undefined || !/q35|^virt(-|$)/.test(machine)) return undefined;
  const interfaces = needed(made.nics, 'the interfaces').length;
  // The config drive is a disk too.
  return spec.disks.length + 1 + interfaces + PORTS_OF_OTHERS + SPARE_PORTS;
};

/** Under KVM the guest gets the host's processor, emulated all that QEMU knows: its defaults are too old for today's systems. */
const cpuModeOf = ({ config, virtType }: DomainInput): DomainSpec['cpuMode'] => {
  const { cpu } = config.guests;
  if (virtType === 'test' || cpu === 'default') return undefined;
  if (cpu !== 'auto') return cpu;
  return virtType === 'kvm' ? 'host-passthrough' : 'maximum';
};

/**
 * Without a config drive, cloud-init looks at the machine's product for where else to look, and knows this one: the metadata address in
 * the layout of OpenStack. There is none for an address alone, nor one of EC2's that a machine with its own uuid could have.
 */
const smbiosOf = ({ config }: DomainInput): DomainSpec['smbios'] =>
  isMetadataOn(config) && config.guests.config_drive === 'none'
    ? { manufacturer: 'etcd-compute', product: 'OpenStack Nova' }
    : undefined;

/** Its port has a name of our choice, because the packet filter goes by it. */
export const domainInterfaceOf = (
  { network, mac, port }: Pick<Nic, 'network' | 'mac' | 'port'>,
  virtType: VirtType | StepDeps['virtType'],
): DomainNetworkInterface => ({
  ...sourceOf(network),
  mac,
  model: 'virtio',
  ...(port !== undefined && virtType !== 'test' && { targetDev: port }),
});

/** The domain of an instance. libvirt's test driver has no devices but disks and interfaces. */
export const domainSpecOf = (input: DomainInput): DomainSpec => {
  const { spec, made, config, mark, consoleLog, virtType, arch } = input;
  const { balloon, agent } = config.guests;
  const machine = machineOf(input);
  const pciePorts = pciePortsOf(input, machine);
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
    disks: domainDisksOf(input),
    ...(isReal && smbios && { smbios }),
    interfaces: needed(made.nics, 'the interfaces').map((nic) => domainInterfaceOf(nic, virtType)),
    serial: isReal ? { logFile: consoleLog } : {},
    hasRng: isReal,
    ...(isReal && pciePorts !== undefined && { pciePorts }),
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
