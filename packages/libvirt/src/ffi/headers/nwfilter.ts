/** libvirt-nwfilter.h: https://libvirt.org/html/libvirt-libvirt-nwfilter.html */
import { declare } from '../library.js';
import type { ConnectionPointer, NWFilterPointer } from '../pointers.js';

export const virNWFilterLookupByName = declare<(conn: ConnectionPointer, name: string) => NWFilterPointer | null>(
  'virNWFilterPtr virNWFilterLookupByName(virConnectPtr conn, const char *name)',
);
export const virNWFilterUndefine = declare<(nwfilter: NWFilterPointer) => number>(
  'int virNWFilterUndefine(virNWFilterPtr nwfilter)',
);
export const virNWFilterFree = declare<(nwfilter: NWFilterPointer) => number>(
  'int virNWFilterFree(virNWFilterPtr nwfilter)',
);
export const virNWFilterGetName = declare<(nwfilter: NWFilterPointer) => string | null>(
  'const char *virNWFilterGetName(virNWFilterPtr nwfilter)',
);
export const virNWFilterGetUUIDString = declare<(nwfilter: NWFilterPointer, buf: Buffer) => number>(
  'int virNWFilterGetUUIDString(virNWFilterPtr nwfilter, void *buf)',
);
