import * as header from '../headers/nwfilter.js';
import { obtain, succeed } from '../failure.js';
import { readUuid } from '../uuid.js';
import type { ConnectionPointer, NWFilterBindingPointer, NWFilterPointer } from '../pointers.js';

export interface DescribedNWFilter {
  readonly pointer: NWFilterPointer;
  readonly uuid: string;
  readonly name: string;
}

export interface DescribedNWFilterBinding {
  readonly pointer: NWFilterBindingPointer;
  readonly portDev: string;
}

function describe(pointer: NWFilterPointer): DescribedNWFilter {
  try {
    return {
      pointer,
      uuid: readUuid(header.virNWFilterGetUUIDString, pointer),
      name: obtain(header.virNWFilterGetName, pointer),
    };
  } catch (error) {
    header.virNWFilterFree(pointer);
    throw error;
  }
}

export function nwfilterDefineXML(connection: ConnectionPointer, xml: string): DescribedNWFilter {
  return describe(obtain(header.virNWFilterDefineXML, connection, xml));
}

export function nwfilterFree(pointer: NWFilterPointer): void {
  succeed(header.virNWFilterFree, pointer);
}

export function nwfilterBindingLookupByPortDev(
  connection: ConnectionPointer,
  portDev: string,
): DescribedNWFilterBinding {
  return { pointer: obtain(header.virNWFilterBindingLookupByPortDev, connection, portDev), portDev };
}

export function nwfilterBindingGetXMLDesc(pointer: NWFilterBindingPointer, flags: number): string {
  return obtain(header.virNWFilterBindingGetXMLDesc, pointer, flags);
}

export function nwfilterBindingFree(pointer: NWFilterBindingPointer): void {
  succeed(header.virNWFilterBindingFree, pointer);
}
