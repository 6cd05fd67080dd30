/** libvirt-host.h and libvirt-common.h: https://libvirt.org/html/libvirt-libvirt-host.html */
import koffi from 'koffi';
import { declare, declareStruct } from '../library.js';
import type { CallbackPointer, ConnectionPointer } from '../pointers.js';

declareStruct('virNodeInfo', {
  model: koffi.array('char', 32),
  memory: 'unsigned long',
  cpus: 'unsigned int',
  mhz: 'unsigned int',
  nodes: 'unsigned int',
  sockets: 'unsigned int',
  cores: 'unsigned int',
  threads: 'unsigned int',
});

export interface VirNodeInfo {
  model: string;
  memory: number | bigint;
  cpus: number;
  mhz: number;
  nodes: number;
  sockets: number;
  cores: number;
  threads: number;
}

export const virConnectOpen = declare<(uri: string | null) => ConnectionPointer | null>(
  'virConnectPtr virConnectOpen(const char *name)',
);
export const virConnectOpenReadOnly = declare<(uri: string | null) => ConnectionPointer | null>(
  'virConnectPtr virConnectOpenReadOnly(const char *name)',
);
export const virConnectClose = declare<(conn: ConnectionPointer) => number>('int virConnectClose(virConnectPtr conn)');
export const virConnectRegisterCloseCallback = declare<
  (conn: ConnectionPointer, cb: CallbackPointer, opaque: bigint, freecb: null) => number
>('int virConnectRegisterCloseCallback(virConnectPtr conn, void *cb, void *opaque, void *freecb)');
export const virConnectUnregisterCloseCallback = declare<(conn: ConnectionPointer, cb: CallbackPointer) => number>(
  'int virConnectUnregisterCloseCallback(virConnectPtr conn, void *cb)',
);
export const virConnectSetKeepAlive = declare<(conn: ConnectionPointer, interval: number, count: number) => number>(
  'int virConnectSetKeepAlive(virConnectPtr conn, int interval, unsigned int count)',
);
export const virConnectIsAlive = declare<(conn: ConnectionPointer) => number>(
  'int virConnectIsAlive(virConnectPtr conn)',
);
export const virConnectGetType = declare<(conn: ConnectionPointer) => string | null>(
  'const char *virConnectGetType(virConnectPtr conn)',
);
export const virConnectGetVersion = declare<(conn: ConnectionPointer, hvVer: [number | bigint]) => number>(
  'int virConnectGetVersion(virConnectPtr conn, _Out_ unsigned long *hvVer)',
);
export const virConnectGetLibVersion = declare<(conn: ConnectionPointer, libVer: [number | bigint]) => number>(
  'int virConnectGetLibVersion(virConnectPtr conn, _Out_ unsigned long *libVer)',
);
export const virConnectGetHostname = declare<(conn: ConnectionPointer) => string | null>(
  'char *! virConnectGetHostname(virConnectPtr conn)',
);
export const virConnectGetCapabilities = declare<(conn: ConnectionPointer) => string | null>(
  'char *! virConnectGetCapabilities(virConnectPtr conn)',
);
export const virNodeGetInfo = declare<(conn: ConnectionPointer, info: Partial<VirNodeInfo>) => number>(
  'int virNodeGetInfo(virConnectPtr conn, _Out_ virNodeInfo *info)',
);
export const virNodeGetCPUMap = declare<(conn: ConnectionPointer, cpumap: null, online: null, flags: number) => number>(
  'int virNodeGetCPUMap(virConnectPtr conn, void *cpumap, void *online, unsigned int flags)',
);
