/** Storage volume XML: https://libvirt.org/formatstorage.html#storage-volume-xml */
import { parseXml, renderXml } from './document.js';
import type { ReadElement } from './document.js';
import { permissionsMember } from './permissions.js';
import type { StoragePermissions } from './permissions.js';

export type VolumeFormat = 'raw' | 'qcow2';

export interface StorageVolumeSpec {
  readonly name: string;
  readonly capacityBytes: bigint;
  /** What to allocate at once; 0 for a sparse volume. Missing: the driver's choice. */
  readonly allocationBytes?: bigint;
  readonly format: VolumeFormat;
  /** The volume that a qcow2 overlay is on, with its format said, so that nothing probes it. */
  readonly backing?: { readonly path: string; readonly format: VolumeFormat };
  readonly permissions?: StoragePermissions;
}

/** Renders a volume for `StoragePool.createVolume`. Throws `XmlValueError`. */
export function renderStorageVolume(spec: StorageVolumeSpec): string {
  const { backing, allocationBytes } = spec;
  return renderXml({
    volume: {
      name: spec.name,
      allocation: allocationBytes === undefined ? undefined : { '@unit': 'bytes', '#text': allocationBytes },
      capacity: { '@unit': 'bytes', '#text': spec.capacityBytes },
      target: {
        format: { '@type': spec.format },
        permissions: spec.permissions && permissionsMember(spec.permissions),
      },
      backingStore: backing && { path: backing.path, format: { '@type': backing.format } },
    },
  });
}

const readFormat = (element: ReadElement): VolumeFormat =>
  element.child('format').attribute('type') === 'qcow2' ? 'qcow2' : 'raw';

/** Reads a volume's XML, as libvirt prints it: sizes in bytes. */
export function parseStorageVolume(xml: string): StorageVolumeSpec & { readonly path?: string } {
  const volume = parseXml(xml, 'volume');
  const target = volume.child('target');
  const path = target.child('path').text();
  const allocation = volume.child('allocation').text();
  const backingPath = volume.child('backingStore').child('path').text();
  return {
    name: volume.child('name').text() ?? '',
    capacityBytes: BigInt(volume.child('capacity').text() ?? '0'),
    ...(allocation === undefined ? {} : { allocationBytes: BigInt(allocation) }),
    format: readFormat(target),
    ...(path === undefined ? {} : { path }),
    ...(backingPath === undefined
      ? {}
      : { backing: { path: backingPath, format: readFormat(volume.child('backingStore')) } }),
  };
}
