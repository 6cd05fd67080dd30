import * as header from '../headers/nwfilter.js';
import { obtain, succeed } from '../failure.js';
import { readUuid } from '../uuid.js';
import type { ConnectionPointer, NWFilterPointer } from '../pointers.js';

export interface DescribedNWFilter {
  readonly pointer: NWFilterPointer;
  readonly uuid: string;
  readonly name: string;
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

export function nwfilterLookupByName(connection: ConnectionPointer, name: string): DescribedNWFilter {
  return describe(obtain(header.virNWFilterLookupByName, connection, name));
}

export function nwfilterUndefine(pointer: NWFilterPointer): void {
  succeed(header.virNWFilterUndefine, pointer);
}

export function nwfilterFree(pointer: NWFilterPointer): void {
  succeed(header.virNWFilterFree, pointer);
}
