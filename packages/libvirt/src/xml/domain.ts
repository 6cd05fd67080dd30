/** Domain XML: https://libvirt.org/formatdomain.html */
import { parseXml, renderXml } from './document.js';
import type { ReadElement, XmlElement } from './document.js';
import { diskMember, interfaceMember, readDisk, readInterface } from './domain-devices.js';
import type { DomainDisk, DomainNetworkInterface } from './domain-devices.js';
import { metadataMember, readMetadata } from './metadata.js';
import type { MetadataElement } from './metadata.js';

export type { DomainDisk, DomainNetworkInterface } from './domain-devices.js';
export type { MetadataElement } from './metadata.js';

export type LifecycleAction = 'destroy' | 'restart' | 'preserve' | 'rename-restart';

/** What SMBIOS tells the guest about its machine; cloud-init looks here. */
export interface SmbiosSystem {
  readonly manufacturer?: string;
  readonly product?: string;
  readonly version?: string;
  readonly serial?: string;
}

export interface DomainSpec {
  readonly uuid: string;
  readonly name: string;
  /** `kvm` where the host can, `qemu` for emulation, `test` for libvirt's test driver. */
  readonly type: 'kvm' | 'qemu' | 'test';
  readonly vcpus: number;
  readonly memoryMiB: number;
  /** Missing: the driver's default. */
  readonly arch?: string;
  readonly machine?: string;
  readonly cpuMode?: 'host-passthrough' | 'host-model' | 'maximum';
  /** `efi`: UEFI without secure boot, of which libvirt finds a build for the machine. Missing: the machine's own, for a PC BIOS. */
  readonly firmware?: 'efi';
  readonly bootDevice?: 'hd' | 'cdrom' | 'network';
  readonly smbios?: SmbiosSystem;
  readonly disks: readonly DomainDisk[];
  readonly interfaces: readonly DomainNetworkInterface[];
  /** A serial port that is the console; `logFile` gets a copy of all it says. */
  readonly serial?: { readonly logFile?: string };
  /** A random number generator fed from the host's /dev/urandom. */
  readonly hasRng?: boolean;
  /** For a machine with PCI Express, where each device takes a port of its own, and a guest that runs gets no further ones. */
  readonly pciePorts?: number;
  /** False removes the balloon that qemu guests have by default. */
  readonly hasMemoryBalloon?: boolean;
  /** Through it a guest whose kernel knows it (pvpanic) tells that it panicked, and `onCrash` is done. x86 only. */
  readonly hasPanicDevice?: boolean;
  /** The channel on which a QEMU guest agent listens; libvirt says of a running domain whether one does. */
  readonly guestAgent?: { readonly state?: 'connected' | 'disconnected' };
  readonly metadata?: readonly MetadataElement[];
  readonly onPoweroff?: LifecycleAction;
  readonly onReboot?: LifecycleAction;
  readonly onCrash?: LifecycleAction;
}

/** ACPI is how the guest hears a request to shut down. Other architectures have it only with UEFI. */
const X86 = /^(x86_64|i686)$/;

function featuresMember({ arch, firmware }: DomainSpec): XmlElement | undefined {
  if (arch === undefined) return undefined;
  if (X86.test(arch)) return { acpi: {}, apic: {} };
  return firmware === 'efi' ? { acpi: {} } : undefined;
}

function osMember(spec: DomainSpec): XmlElement {
  return {
    '@firmware': spec.firmware,
    type: { '@arch': spec.arch, '@machine': spec.machine, '#text': 'hvm' },
    firmware: spec.firmware && { feature: { '@enabled': 'no', '@name': 'secure-boot' } },
    boot: spec.bootDevice && { '@dev': spec.bootDevice },
    smbios: spec.smbios && { '@mode': 'sysinfo' },
  };
}

function sysinfoMember(smbios: SmbiosSystem): XmlElement {
  const entries = Object.entries(smbios).map(([name, value]: [string, string]) => ({ '@name': name, '#text': value }));
  return { '@type': 'smbios', system: { entry: entries } };
}

/** The name that every guest agent looks for. */
const GUEST_AGENT_CHANNEL = 'org.qemu.guest_agent.0';

function readGuestAgent(devices: ReadElement): DomainSpec['guestAgent'] {
  const targets = devices.children('channel').map((channel) => channel.child('target'));
  const target = targets.find((candidate) => candidate.attribute('name') === GUEST_AGENT_CHANNEL);
  return target && present({ state: oneOf(['connected', 'disconnected'] as const, target.attribute('state')) });
}

function controllersOf({ disks, pciePorts = 0 }: DomainSpec): XmlElement[] {
  // libvirt's own choice of a SCSI controller is one that few systems have a driver for.
  const scsi = disks.some(({ bus }) => bus === 'scsi') ? [{ '@type': 'scsi', '@model': 'virtio-scsi' }] : [];
  const ports = Array.from({ length: pciePorts }, () => ({ '@type': 'pci', '@model': 'pcie-root-port' }));
  // libvirt adds what the ports are on, but only where it is not told of any other.
  const root = pciePorts > 0 ? [{ '@type': 'pci', '@index': 0, '@model': 'pcie-root' }] : [];
  return [...root, ...ports, ...scsi];
}

function devicesMember(spec: DomainSpec): XmlElement {
  const logFile = spec.serial?.logFile;
  return {
    disk: spec.disks.map(diskMember),
    controller: controllersOf(spec),
    interface: spec.interfaces.map(interfaceMember),
    serial: spec.serial && {
      '@type': 'pty',
      log: logFile === undefined ? undefined : { '@file': logFile, '@append': 'off' },
      target: { '@port': 0 },
    },
    console: spec.serial && { '@type': 'pty', target: { '@type': 'serial', '@port': 0 } },
    channel: spec.guestAgent && { '@type': 'unix', target: { '@type': 'virtio', '@name': GUEST_AGENT_CHANNEL } },
    rng:
      spec.hasRng === true
        ? { '@model': 'virtio', backend: { '@model': 'random', '#text': '/dev/urandom' } }
        : undefined,
    panic: spec.hasPanicDevice === true ? { '@model': 'isa' } : undefined,
    memballoon:
      spec.hasMemoryBalloon === undefined ? undefined : { '@model': spec.hasMemoryBalloon ? 'virtio' : 'none' },
  };
}

/** A device that can be added to a domain and taken from it. */
export type DomainDevice =
  | { readonly disk: DomainDisk; readonly interface?: never }
  | { readonly interface: DomainNetworkInterface; readonly disk?: never };

/** For `Domain.attachDeviceFlags`, `detachDeviceFlags` and `updateDeviceFlags`. Throws `XmlValueError`. */
export function renderDevice(device: DomainDevice): string {
  return renderXml(device.disk ? { disk: diskMember(device.disk) } : { interface: interfaceMember(device.interface) });
}

/** Renders a domain's definition. Throws `XmlValueError`. */
export function renderDomain(spec: DomainSpec): string {
  const { metadata } = spec;
  return renderXml({
    domain: {
      '@type': spec.type,
      name: spec.name,
      uuid: spec.uuid,
      metadata: metadata && Object.assign({}, ...metadata.map(metadataMember)),
      memory: { '@unit': 'MiB', '#text': spec.memoryMiB },
      vcpu: spec.vcpus,
      sysinfo: spec.smbios && sysinfoMember(spec.smbios),
      os: osMember(spec),
      features: featuresMember(spec),
      cpu: spec.cpuMode && { '@mode': spec.cpuMode },
      clock: { '@offset': 'utc' },
      on_poweroff: spec.onPoweroff,
      on_reboot: spec.onReboot,
      on_crash: spec.onCrash,
      devices: devicesMember(spec),
    },
  });
}

const KIB_PER_UNIT: Readonly<Record<string, number>> = { KiB: 1, MiB: 1024, GiB: 1024 * 1024 };

function readMemoryMiB(memory: ReadElement): number {
  const unit = memory.attribute('unit') ?? 'KiB';
  const kibPerUnit = KIB_PER_UNIT[unit];
  if (kibPerUnit === undefined) throw new Error(`could not read a domain's XML: its memory is in '${unit}'`);
  return (Number(memory.text()) * kibPerUnit) / 1024;
}

function oneOf<Value extends string>(values: readonly Value[], value: string | undefined): Value | undefined {
  return values.find((candidate) => candidate === value);
}

const LIFECYCLE_ACTIONS = ['destroy', 'restart', 'preserve', 'rename-restart'] as const;

function readSmbios(sysinfo: ReadElement): SmbiosSystem {
  return Object.fromEntries(
    sysinfo
      .child('system')
      .children('entry')
      .map((entry) => [entry.attribute('name') ?? '', entry.text() ?? '']),
  );
}

/** Leaves out members without a value, so that an absent element reads as an absent member. */
function present<Members extends object>(
  members: Members,
): { [Name in keyof Members]: Exclude<Members[Name], undefined> } {
  // eslint-disable-next-line typescript/no-unsafe-type-assertion -- the members that are left have a value
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as never;
}

/** Reads a domain's XML, ours or anybody's: what this package does not render is left out. */
export function parseDomain(xml: string): DomainSpec {
  const domain = parseXml(xml, 'domain');
  const devices = domain.child('devices');
  const type = domain.child('os').child('type');
  const logFile = devices.child('serial').child('log').attribute('file');
  return {
    uuid: domain.child('uuid').text() ?? '',
    name: domain.child('name').text() ?? '',
    type: oneOf(['kvm', 'qemu', 'test'] as const, domain.attribute('type')) ?? 'qemu',
    vcpus: Number(domain.child('vcpu').text() ?? '1'),
    memoryMiB: readMemoryMiB(domain.child('memory')),
    disks: devices.children('disk').map(readDisk),
    interfaces: devices.children('interface').map(readInterface),
    ...present({
      arch: type.attribute('arch'),
      machine: type.attribute('machine'),
      cpuMode: oneOf(['host-passthrough', 'host-model', 'maximum'] as const, domain.child('cpu').attribute('mode')),
      firmware: oneOf(['efi'] as const, domain.child('os').attribute('firmware')),
      bootDevice: oneOf(['hd', 'cdrom', 'network'] as const, domain.child('os').child('boot').attribute('dev')),
      smbios: domain.has('sysinfo') ? readSmbios(domain.child('sysinfo')) : undefined,
      serial: devices.has('serial') ? present({ logFile }) : undefined,
      hasRng: devices.has('rng') ? true : undefined,
      hasPanicDevice: devices.has('panic') ? true : undefined,
      hasMemoryBalloon: devices.has('memballoon')
        ? devices.child('memballoon').attribute('model') !== 'none'
        : undefined,
      guestAgent: readGuestAgent(devices),
      metadata: domain.has('metadata') ? readMetadata(domain.child('metadata')) : undefined,
      onPoweroff: oneOf(LIFECYCLE_ACTIONS, domain.child('on_poweroff').text()),
      onReboot: oneOf(LIFECYCLE_ACTIONS, domain.child('on_reboot').text()),
      onCrash: oneOf(LIFECYCLE_ACTIONS, domain.child('on_crash').text()),
    }),
  };
}
