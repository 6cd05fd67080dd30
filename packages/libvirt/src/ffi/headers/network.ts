/** libvirt-network.h: https://libvirt.org/html/libvirt-libvirt-network.html */
import { declare, declareStruct } from '../library.js';
import type { CallbackPointer, ConnectionPointer, NetworkPointer } from '../pointers.js';

export const virNetworkDHCPLease = declareStruct('virNetworkDHCPLease', {
  iface: 'const char *',
  expirytime: 'long long',
  type: 'int',
  mac: 'const char *',
  iaid: 'const char *',
  ipaddr: 'const char *',
  prefix: 'unsigned int',
  hostname: 'const char *',
  clientid: 'const char *',
});

export interface VirNetworkDHCPLease {
  iface: string | null;
  expirytime: number | bigint;
  type: number;
  mac: string | null;
  iaid: string | null;
  ipaddr: string | null;
  prefix: number;
  hostname: string | null;
  clientid: string | null;
}

type FromNetwork = (network: NetworkPointer) => number;

export const virNetworkDefineXML = declare<(conn: ConnectionPointer, xml: string) => NetworkPointer | null>(
  'virNetworkPtr virNetworkDefineXML(virConnectPtr conn, const char *xml)',
);
export const virNetworkCreateXML = declare<(conn: ConnectionPointer, xml: string) => NetworkPointer | null>(
  'virNetworkPtr virNetworkCreateXML(virConnectPtr conn, const char *xmlDesc)',
);
export const virNetworkLookupByName = declare<(conn: ConnectionPointer, name: string) => NetworkPointer | null>(
  'virNetworkPtr virNetworkLookupByName(virConnectPtr conn, const char *name)',
);
export const virNetworkLookupByUUIDString = declare<(conn: ConnectionPointer, uuid: string) => NetworkPointer | null>(
  'virNetworkPtr virNetworkLookupByUUIDString(virConnectPtr conn, const char *uuidstr)',
);
export const virConnectListAllNetworks = declare<
  (conn: ConnectionPointer, nets: [bigint | null], flags: number) => number
>('int virConnectListAllNetworks(virConnectPtr conn, _Out_ void **nets, unsigned int flags)');
export const virNetworkFree = declare<FromNetwork>('int virNetworkFree(virNetworkPtr network)');
export const virNetworkGetName = declare<(network: NetworkPointer) => string | null>(
  'const char *virNetworkGetName(virNetworkPtr network)',
);
export const virNetworkGetUUIDString = declare<(network: NetworkPointer, buf: Buffer) => number>(
  'int virNetworkGetUUIDString(virNetworkPtr network, void *buf)',
);
export const virNetworkCreate = declare<FromNetwork>('int virNetworkCreate(virNetworkPtr network)');
export const virNetworkDestroy = declare<FromNetwork>('int virNetworkDestroy(virNetworkPtr network)');
export const virNetworkUndefine = declare<FromNetwork>('int virNetworkUndefine(virNetworkPtr network)');
export const virNetworkIsActive = declare<FromNetwork>('int virNetworkIsActive(virNetworkPtr net)');
export const virNetworkIsPersistent = declare<FromNetwork>('int virNetworkIsPersistent(virNetworkPtr net)');
export const virNetworkSetAutostart = declare<(network: NetworkPointer, autostart: number) => number>(
  'int virNetworkSetAutostart(virNetworkPtr network, int autostart)',
);
export const virNetworkGetAutostart = declare<(network: NetworkPointer, autostart: [number | bigint]) => number>(
  'int virNetworkGetAutostart(virNetworkPtr network, _Out_ int *autostart)',
);
export const virNetworkGetXMLDesc = declare<(network: NetworkPointer, flags: number) => string | null>(
  'char *! virNetworkGetXMLDesc(virNetworkPtr network, unsigned int flags)',
);
export const virNetworkGetBridgeName = declare<(network: NetworkPointer) => string | null>(
  'char *! virNetworkGetBridgeName(virNetworkPtr network)',
);
export const virNetworkUpdate = declare<
  (network: NetworkPointer, command: number, section: number, parentIndex: number, xml: string, flags: number) => number
>(
  'int virNetworkUpdate(virNetworkPtr network, unsigned int command, unsigned int section, int parentIndex, const char *xml, unsigned int flags)',
);
export const virNetworkGetDHCPLeases = declare<
  (network: NetworkPointer, mac: string | null, leases: [bigint | null], flags: number) => number
>('int virNetworkGetDHCPLeases(virNetworkPtr network, const char *mac, _Out_ void **leases, unsigned int flags)');
export const virNetworkDHCPLeaseFree = declare<(lease: bigint) => void>('void virNetworkDHCPLeaseFree(void *lease)');
export const virConnectNetworkEventRegisterAny = declare<
  (conn: ConnectionPointer, network: null, eventId: number, cb: CallbackPointer, opaque: bigint, freecb: null) => number
>(
  'int virConnectNetworkEventRegisterAny(virConnectPtr conn, virNetworkPtr net, int eventID, void *cb, void *opaque, void *freecb)',
);
export const virConnectNetworkEventDeregisterAny = declare<(conn: ConnectionPointer, callbackId: number) => number>(
  'int virConnectNetworkEventDeregisterAny(virConnectPtr conn, int callbackID)',
);
