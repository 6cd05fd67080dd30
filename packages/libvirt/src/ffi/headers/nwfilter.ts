/** libvirt-nwfilter.h: https://libvirt.org/html/libvirt-libvirt-nwfilter.html */
import { declare } from '../library.js';
import type { ConnectionPointer, NWFilterBindingPointer, NWFilterPointer } from '../pointers.js';

export const virNWFilterDefineXML = declare<(conn: ConnectionPointer, xml: string) => NWFilterPointer | null>(
  'virNWFilterPtr virNWFilterDefineXML(virConnectPtr conn, const char *xmlDesc)',
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
export const virNWFilterBindingLookupByPortDev = declare<
  (conn: ConnectionPointer, portdev: string) => NWFilterBindingPointer | null
>('virNWFilterBindingPtr virNWFilterBindingLookupByPortDev(virConnectPtr conn, const char *portdev)');
export const virNWFilterBindingGetXMLDesc = declare<(binding: NWFilterBindingPointer, flags: number) => string | null>(
  'char *! virNWFilterBindingGetXMLDesc(virNWFilterBindingPtr binding, unsigned int flags)',
);
export const virNWFilterBindingFree = declare<(binding: NWFilterBindingPointer) => number>(
  'int virNWFilterBindingFree(virNWFilterBindingPtr binding)',
);
