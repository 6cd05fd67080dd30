import * as header from '../headers/storage.js';
import { CallFailure, obtain, succeed } from '../failure.js';
import { filled, takePointers } from '../structs.js';
import type { ConnectionPointer, StoragePoolPointer, StorageVolumePointer } from '../pointers.js';

export interface DescribedStorageVolume {
  readonly pointer: StorageVolumePointer;
  readonly name: string;
  readonly key: string;
  readonly path: string;
}

const CODE_NO_STORAGE_VOL = 50;

function describe(pointer: StorageVolumePointer): DescribedStorageVolume {
  try {
    return {
      pointer,
      name: obtain(header.virStorageVolGetName, pointer),
      key: obtain(header.virStorageVolGetKey, pointer),
      path: obtain(header.virStorageVolGetPath, pointer),
    };
  } catch (error) {
    header.virStorageVolFree(pointer);
    throw error;
  }
}

export function storageVolCreateXML(pool: StoragePoolPointer, xml: string, flags: number): DescribedStorageVolume {
  return describe(obtain(header.virStorageVolCreateXML, pool, xml, flags));
}

export function storageVolLookupByName(pool: StoragePoolPointer, name: string): DescribedStorageVolume {
  return describe(obtain(header.virStorageVolLookupByName, pool, name));
}

export function storageVolLookupByPath(connection: ConnectionPointer, path: string): DescribedStorageVolume {
  return describe(obtain(header.virStorageVolLookupByPath, connection, path));
}

/** Reading a volume's path asks the daemon again, so a volume deleted since it was listed is left out. */
export function listAllVolumes(pool: StoragePoolPointer, flags: number): DescribedStorageVolume[] {
  const pointers = takePointers<StorageVolumePointer>((array) =>
    succeed(header.virStoragePoolListAllVolumes, pool, array, flags),
  );
  const volumes: DescribedStorageVolume[] = [];
  for (const [index, pointer] of pointers.entries()) {
    try {
      volumes.push(describe(pointer));
    } catch (error) {
      if (error instanceof CallFailure && error.fields.code === CODE_NO_STORAGE_VOL) continue;
      for (const volume of volumes) header.virStorageVolFree(volume.pointer);
      for (const rest of pointers.slice(index + 1)) header.virStorageVolFree(rest);
      throw error;
    }
  }
  return volumes;
}

export function storageVolFree(pointer: StorageVolumePointer): void {
  succeed(header.virStorageVolFree, pointer);
}

export function storageVolGetInfo(pointer: StorageVolumePointer): header.VirStorageVolInfo {
  return filled<header.VirStorageVolInfo>((info) => succeed(header.virStorageVolGetInfo, pointer, info));
}

export function storageVolGetXMLDesc(pointer: StorageVolumePointer): string {
  return obtain(header.virStorageVolGetXMLDesc, pointer, 0);
}

export function storageVolResize(pointer: StorageVolumePointer, capacityBytes: bigint, flags: number): void {
  succeed(header.virStorageVolResize, pointer, capacityBytes, flags);
}

export function storageVolDelete(pointer: StorageVolumePointer, flags: number): void {
  succeed(header.virStorageVolDelete, pointer, flags);
}
