import * as header from '../headers/storage.js';
import { obtain, succeed } from '../failure.js';
import { describeAll, filled, stored, takePointers } from '../structs.js';
import { readUuid } from '../uuid.js';
import type { ConnectionPointer, StoragePoolPointer } from '../pointers.js';

export interface DescribedStoragePool {
  readonly pointer: StoragePoolPointer;
  readonly uuid: string;
  readonly name: string;
}

function describe(pointer: StoragePoolPointer): DescribedStoragePool {
  try {
    return {
      pointer,
      uuid: readUuid(header.virStoragePoolGetUUIDString, pointer),
      name: obtain(header.virStoragePoolGetName, pointer),
    };
  } catch (error) {
    header.virStoragePoolFree(pointer);
    throw error;
  }
}

export function storagePoolDefineXML(connection: ConnectionPointer, xml: string, flags: number): DescribedStoragePool {
  return describe(obtain(header.virStoragePoolDefineXML, connection, xml, flags));
}

export function storagePoolCreateXML(connection: ConnectionPointer, xml: string, flags: number): DescribedStoragePool {
  return describe(obtain(header.virStoragePoolCreateXML, connection, xml, flags));
}

export function storagePoolLookupByName(connection: ConnectionPointer, name: string): DescribedStoragePool {
  return describe(obtain(header.virStoragePoolLookupByName, connection, name));
}

export function storagePoolLookupByUUID(connection: ConnectionPointer, uuid: string): DescribedStoragePool {
  return describe(obtain(header.virStoragePoolLookupByUUIDString, connection, uuid));
}

export function listAllStoragePools(connection: ConnectionPointer, flags: number): DescribedStoragePool[] {
  const pointers = takePointers<StoragePoolPointer>((array) =>
    succeed(header.virConnectListAllStoragePools, connection, array, flags),
  );
  return describeAll(pointers, describe, header.virStoragePoolFree);
}

export function storagePoolFree(pointer: StoragePoolPointer): void {
  succeed(header.virStoragePoolFree, pointer);
}

export function storagePoolCreate(pointer: StoragePoolPointer, flags: number): void {
  succeed(header.virStoragePoolCreate, pointer, flags);
}

export function storagePoolBuild(pointer: StoragePoolPointer, flags: number): void {
  succeed(header.virStoragePoolBuild, pointer, flags);
}

export function storagePoolDestroy(pointer: StoragePoolPointer): void {
  succeed(header.virStoragePoolDestroy, pointer);
}

export function storagePoolDelete(pointer: StoragePoolPointer, flags: number): void {
  succeed(header.virStoragePoolDelete, pointer, flags);
}

export function storagePoolUndefine(pointer: StoragePoolPointer): void {
  succeed(header.virStoragePoolUndefine, pointer);
}

export function storagePoolRefresh(pointer: StoragePoolPointer): void {
  succeed(header.virStoragePoolRefresh, pointer, 0);
}

export function storagePoolIsActive(pointer: StoragePoolPointer): boolean {
  return succeed(header.virStoragePoolIsActive, pointer) === 1;
}

export function storagePoolIsPersistent(pointer: StoragePoolPointer): boolean {
  return succeed(header.virStoragePoolIsPersistent, pointer) === 1;
}

export function storagePoolSetAutostart(pointer: StoragePoolPointer, autostart: boolean): void {
  succeed(header.virStoragePoolSetAutostart, pointer, autostart ? 1 : 0);
}

export function storagePoolGetAutostart(pointer: StoragePoolPointer): boolean {
  return stored((autostart) => succeed(header.virStoragePoolGetAutostart, pointer, autostart)) === 1;
}

export function storagePoolGetXMLDesc(pointer: StoragePoolPointer, flags: number): string {
  return obtain(header.virStoragePoolGetXMLDesc, pointer, flags);
}

export function storagePoolGetInfo(pointer: StoragePoolPointer): header.VirStoragePoolInfo {
  return filled<header.VirStoragePoolInfo>((info) => succeed(header.virStoragePoolGetInfo, pointer, info));
}
