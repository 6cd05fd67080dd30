/** Disks and network interfaces of a domain: https://libvirt.org/formatdomain.html#devices */
import type { ReadElement, XmlElement } from './document.js';

export interface DomainDisk {
  /** The file behind it; an empty drive when missing. */
  readonly path?: string;
  /** Always said, so that nothing probes what the guest could have written. */
  readonly format: 'raw' | 'qcow2';
  readonly device: 'disk' | 'cdrom';
  readonly bus: 'virtio' | 'sata' | 'scsi' | 'ide' | 'usb';
  /** The guest's name for it, such as `vda`; libvirt makes it unique per bus. */
  readonly targetDev: string;
  readonly readOnly: boolean;
  /** What the guest is told; of a virtio disk the first 20 characters: `/dev/disk/by-id/virtio-<serial>`. */
  readonly serial?: string;
  readonly cache?: 'none' | 'writeback' | 'writethrough' | 'directsync' | 'unsafe';
  readonly discard?: 'unmap' | 'ignore';
  /** The file a qcow2 overlay is on; null says that there is none. Missing: libvirt reads the overlay's header. */
  readonly backing?: { readonly path: string; readonly format: 'raw' | 'qcow2' } | null;
}

/** On a libvirt network or on a bridge of the host. */
export type DomainNetworkInterface = {
  readonly mac: string;
  readonly model: string;
  /** An nwfilter by name. */
  readonly filter?: string;
  /** The host's end of it, such as `vnet0`; libvirt chooses one while the domain runs. */
  readonly targetDev?: string;
} & ({ readonly network: string; readonly bridge?: never } | { readonly bridge: string; readonly network?: never });

function backingMember(backing: DomainDisk['backing']): XmlElement | undefined {
  if (backing === undefined) return undefined;
  if (backing === null) return {};
  return { '@type': 'file', format: { '@type': backing.format }, source: { '@file': backing.path }, backingStore: {} };
}

export function diskMember(disk: DomainDisk): XmlElement {
  return {
    '@type': 'file',
    '@device': disk.device,
    driver: { '@name': 'qemu', '@type': disk.format, '@cache': disk.cache, '@discard': disk.discard },
    source: disk.path === undefined ? undefined : { '@file': disk.path },
    backingStore: backingMember(disk.backing),
    target: { '@dev': disk.targetDev, '@bus': disk.bus },
    readonly: disk.readOnly ? {} : undefined,
    serial: disk.serial,
  };
}

export function interfaceMember(entry: DomainNetworkInterface): XmlElement {
  return {
    '@type': entry.network === undefined ? 'bridge' : 'network',
    mac: { '@address': entry.mac },
    source: entry.network === undefined ? { '@bridge': entry.bridge } : { '@network': entry.network },
    target: entry.targetDev === undefined ? undefined : { '@dev': entry.targetDev },
    model: { '@type': entry.model },
    filterref: entry.filter === undefined ? undefined : { '@filter': entry.filter },
  };
}

const readFormat = (format: string | undefined): 'raw' | 'qcow2' => (format === 'qcow2' ? 'qcow2' : 'raw');

function readBacking(disk: ReadElement): Pick<DomainDisk, 'backing'> {
  if (!disk.has('backingStore')) return {};
  const backing = disk.child('backingStore');
  const path = backing.child('source').attribute('file');
  return {
    backing: path === undefined ? null : { path, format: readFormat(backing.child('format').attribute('type')) },
  };
}

const CACHES = ['none', 'writeback', 'writethrough', 'directsync', 'unsafe'] as const;
const DISCARDS = ['unmap', 'ignore'] as const;
const BUSES = ['virtio', 'sata', 'scsi', 'ide', 'usb'] as const;

export function readDisk(disk: ReadElement): DomainDisk {
  const driver = disk.child('driver');
  const path = disk.child('source').attribute('file');
  const cache = CACHES.find((value) => value === driver.attribute('cache'));
  const serial = disk.child('serial').text();
  const discard = DISCARDS.find((value) => value === driver.attribute('discard'));
  return {
    ...(path === undefined ? {} : { path }),
    format: readFormat(driver.attribute('type')),
    device: disk.attribute('device') === 'cdrom' ? 'cdrom' : 'disk',
    bus: BUSES.find((value) => value === disk.child('target').attribute('bus')) ?? 'virtio',
    targetDev: disk.child('target').attribute('dev') ?? '',
    readOnly: disk.has('readonly'),
    ...(serial === undefined ? {} : { serial }),
    ...(cache === undefined ? {} : { cache }),
    ...(discard === undefined ? {} : { discard }),
    ...readBacking(disk),
  };
}

export function readInterface(entry: ReadElement): DomainNetworkInterface {
  const targetDev = entry.child('target').attribute('dev');
  const filter = entry.child('filterref').attribute('filter');
  const network = entry.child('source').attribute('network');
  const common = {
    mac: entry.child('mac').attribute('address') ?? '',
    model: entry.child('model').attribute('type') ?? '',
    ...(filter === undefined ? {} : { filter }),
    ...(targetDev === undefined ? {} : { targetDev }),
  };
  // A running interface of a network says its bridge as well; the network is what it was asked for.
  if (network !== undefined) return { ...common, network };
  return { ...common, bridge: entry.child('source').attribute('bridge') ?? '' };
}
