import type { XmlElement } from './document.js';

/** Owner and mode of a file or directory that libvirt makes. */
export interface StoragePermissions {
  /** Such as `0644`. */
  readonly mode: string;
  readonly owner?: number;
  readonly group?: number;
}

export function permissionsMember(permissions: StoragePermissions): XmlElement {
  return { mode: permissions.mode, owner: permissions.owner, group: permissions.group };
}
