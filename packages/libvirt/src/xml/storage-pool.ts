/** Storage pool XML, for directories: https://libvirt.org/formatstorage.html#storage-pool-xml */
import { parseXml, renderXml } from './document.js';
import { permissionsMember } from './permissions.js';
import type { StoragePermissions } from './permissions.js';

export type { StoragePermissions } from './permissions.js';

export interface DirectoryPoolSpec {
  readonly name: string;
  readonly uuid?: string;
  /** The directory. */
  readonly path: string;
  /** For a directory that `StoragePool.build` makes. */
  readonly permissions?: StoragePermissions;
}

/** Renders the definition of a pool of type dir. Throws `XmlValueError`. */
export function renderDirectoryPool(spec: DirectoryPoolSpec): string {
  return renderXml({
    pool: {
      '@type': 'dir',
      name: spec.name,
      uuid: spec.uuid,
      target: { path: spec.path, permissions: spec.permissions && permissionsMember(spec.permissions) },
    },
  });
}

/** Reads a pool's XML. */
export function parseDirectoryPool(xml: string): DirectoryPoolSpec {
  const pool = parseXml(xml, 'pool');
  const uuid = pool.child('uuid').text();
  return {
    name: pool.child('name').text() ?? '',
    ...(uuid === undefined ? {} : { uuid }),
    path: pool.child('target').child('path').text() ?? '',
  };
}
