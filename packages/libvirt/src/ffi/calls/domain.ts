import * as header from '../headers/domain.js';
import { obtain, succeed } from '../failure.js';
import { describeAll, takePointers } from '../structs.js';
import { readUuid } from '../uuid.js';
import type { ConnectionPointer, DomainPointer } from '../pointers.js';

export interface DescribedDomain {
  readonly pointer: DomainPointer;
  readonly uuid: string;
  readonly name: string;
}

function describe(pointer: DomainPointer): DescribedDomain {
  try {
    return {
      pointer,
      uuid: readUuid(header.virDomainGetUUIDString, pointer),
      name: obtain(header.virDomainGetName, pointer),
    };
  } catch (error) {
    header.virDomainFree(pointer);
    throw error;
  }
}

export function domainDefineXML(connection: ConnectionPointer, xml: string, flags: number): DescribedDomain {
  return describe(obtain(header.virDomainDefineXMLFlags, connection, xml, flags));
}

export function domainCreateXML(connection: ConnectionPointer, xml: string, flags: number): DescribedDomain {
  return describe(obtain(header.virDomainCreateXML, connection, xml, flags));
}

export function domainLookupByUUID(connection: ConnectionPointer, uuid: string): DescribedDomain {
  return describe(obtain(header.virDomainLookupByUUIDString, connection, uuid));
}

export function domainLookupByName(connection: ConnectionPointer, name: string): DescribedDomain {
  return describe(obtain(header.virDomainLookupByName, connection, name));
}

export function listAllDomains(connection: ConnectionPointer, flags: number): DescribedDomain[] {
  const pointers = takePointers<DomainPointer>((array) =>
    succeed(header.virConnectListAllDomains, connection, array, flags),
  );
  return describeAll(pointers, describe, header.virDomainFree);
}

export function getDomainCapabilities(
  connection: ConnectionPointer,
  emulator: string | null,
  arch: string | null,
  machine: string | null,
  virtType: string | null,
): string {
  return obtain(header.virConnectGetDomainCapabilities, connection, emulator, arch, machine, virtType, 0);
}

export function domainFree(pointer: DomainPointer): void {
  succeed(header.virDomainFree, pointer);
}

export function domainCreate(pointer: DomainPointer, flags: number): void {
  succeed(header.virDomainCreateWithFlags, pointer, flags);
}

export function domainDestroy(pointer: DomainPointer, flags: number): void {
  succeed(header.virDomainDestroyFlags, pointer, flags);
}

export function domainShutdown(pointer: DomainPointer, flags: number): void {
  succeed(header.virDomainShutdownFlags, pointer, flags);
}

export function domainReboot(pointer: DomainPointer, flags: number): void {
  succeed(header.virDomainReboot, pointer, flags);
}

export function domainReset(pointer: DomainPointer): void {
  succeed(header.virDomainReset, pointer, 0);
}

export function domainSuspend(pointer: DomainPointer): void {
  succeed(header.virDomainSuspend, pointer);
}

export function domainResume(pointer: DomainPointer): void {
  succeed(header.virDomainResume, pointer);
}

export function domainManagedSave(pointer: DomainPointer, flags: number): void {
  succeed(header.virDomainManagedSave, pointer, flags);
}

export function domainHasManagedSaveImage(pointer: DomainPointer): boolean {
  return succeed(header.virDomainHasManagedSaveImage, pointer, 0) === 1;
}

export function domainManagedSaveRemove(pointer: DomainPointer): void {
  succeed(header.virDomainManagedSaveRemove, pointer, 0);
}

export function domainAttachDevice(pointer: DomainPointer, xml: string, flags: number): void {
  succeed(header.virDomainAttachDeviceFlags, pointer, xml, flags);
}

export function domainDetachDevice(pointer: DomainPointer, xml: string, flags: number): void {
  succeed(header.virDomainDetachDeviceFlags, pointer, xml, flags);
}

export function domainUpdateDevice(pointer: DomainPointer, xml: string, flags: number): void {
  succeed(header.virDomainUpdateDeviceFlags, pointer, xml, flags);
}

export function domainUndefineFlags(pointer: DomainPointer, flags: number): void {
  succeed(header.virDomainUndefineFlags, pointer, flags);
}
