import * as header from '../headers/network.js';
import { obtain, succeed } from '../failure.js';
import { decodeStruct, describeAll, stored, takePointers } from '../structs.js';
import { readUuid } from '../uuid.js';
import type { ConnectionPointer, NetworkPointer } from '../pointers.js';

export interface DescribedNetwork {
  readonly pointer: NetworkPointer;
  readonly uuid: string;
  readonly name: string;
}

function describe(pointer: NetworkPointer): DescribedNetwork {
  try {
    return {
      pointer,
      uuid: readUuid(header.virNetworkGetUUIDString, pointer),
      name: obtain(header.virNetworkGetName, pointer),
    };
  } catch (error) {
    header.virNetworkFree(pointer);
    throw error;
  }
}

export function networkDefineXML(connection: ConnectionPointer, xml: string): DescribedNetwork {
  return describe(obtain(header.virNetworkDefineXML, connection, xml));
}

export function networkCreateXML(connection: ConnectionPointer, xml: string): DescribedNetwork {
  return describe(obtain(header.virNetworkCreateXML, connection, xml));
}

export function networkLookupByName(connection: ConnectionPointer, name: string): DescribedNetwork {
  return describe(obtain(header.virNetworkLookupByName, connection, name));
}

export function networkLookupByUUID(connection: ConnectionPointer, uuid: string): DescribedNetwork {
  return describe(obtain(header.virNetworkLookupByUUIDString, connection, uuid));
}

export function listAllNetworks(connection: ConnectionPointer, flags: number): DescribedNetwork[] {
  const pointers = takePointers<NetworkPointer>((array) =>
    succeed(header.virConnectListAllNetworks, connection, array, flags),
  );
  return describeAll(pointers, describe, header.virNetworkFree);
}

export function networkFree(pointer: NetworkPointer): void {
  succeed(header.virNetworkFree, pointer);
}

export function networkCreate(pointer: NetworkPointer): void {
  succeed(header.virNetworkCreate, pointer);
}

export function networkDestroy(pointer: NetworkPointer): void {
  succeed(header.virNetworkDestroy, pointer);
}

export function networkUndefine(pointer: NetworkPointer): void {
  succeed(header.virNetworkUndefine, pointer);
}

export function networkIsActive(pointer: NetworkPointer): boolean {
  return succeed(header.virNetworkIsActive, pointer) === 1;
}

export function networkIsPersistent(pointer: NetworkPointer): boolean {
  return succeed(header.virNetworkIsPersistent, pointer) === 1;
}

export function networkSetAutostart(pointer: NetworkPointer, autostart: boolean): void {
  succeed(header.virNetworkSetAutostart, pointer, autostart ? 1 : 0);
}

export function networkGetAutostart(pointer: NetworkPointer): boolean {
  return stored((autostart) => succeed(header.virNetworkGetAutostart, pointer, autostart)) === 1;
}

export function networkGetXMLDesc(pointer: NetworkPointer, flags: number): string {
  return obtain(header.virNetworkGetXMLDesc, pointer, flags);
}

export function networkGetBridgeName(pointer: NetworkPointer): string {
  return obtain(header.virNetworkGetBridgeName, pointer);
}

export function networkUpdate(
  pointer: NetworkPointer,
  command: number,
  section: number,
  parentIndex: number,
  xml: string,
  flags: number,
): void {
  succeed(header.virNetworkUpdate, pointer, command, section, parentIndex, xml, flags);
}

export function networkGetDHCPLeases(pointer: NetworkPointer, mac: string | null): header.VirNetworkDHCPLease[] {
  const leases = takePointers<bigint>((array) => succeed(header.virNetworkGetDHCPLeases, pointer, mac, array, 0));
  try {
    return leases.map((lease) => decodeStruct<header.VirNetworkDHCPLease>(lease, header.virNetworkDHCPLease));
  } finally {
    for (const lease of leases) header.virNetworkDHCPLeaseFree(lease);
  }
}
