/** libvirt-domain.h: https://libvirt.org/html/libvirt-libvirt-domain.html */
import { declare, declareStruct } from '../library.js';
import type { CallbackPointer, ConnectionPointer, DomainPointer, StreamPointer } from '../pointers.js';

declareStruct('virDomainInfo', {
  state: 'unsigned char',
  maxMem: 'unsigned long',
  memory: 'unsigned long',
  nrVirtCpu: 'unsigned short',
  cpuTime: 'unsigned long long',
});

export interface VirDomainInfo {
  state: number;
  maxMem: number | bigint;
  memory: number | bigint;
  nrVirtCpu: number;
  cpuTime: number | bigint;
}

declareStruct('virDomainControlInfo', {
  state: 'unsigned int',
  details: 'unsigned int',
  stateTime: 'unsigned long long',
});

export interface VirDomainControlInfo {
  state: number;
  details: number;
  stateTime: number | bigint;
}

export const virDomainIPAddress = declareStruct('virDomainIPAddress', {
  type: 'int',
  addr: 'void *',
  prefix: 'unsigned int',
});

export interface VirDomainIPAddress {
  type: number;
  addr: bigint | null;
  prefix: number;
}

export const virDomainInterface = declareStruct('virDomainInterface', {
  name: 'void *',
  hwaddr: 'void *',
  naddrs: 'unsigned int',
  addrs: 'void *',
});

export interface VirDomainInterface {
  name: bigint | null;
  hwaddr: bigint | null;
  naddrs: number;
  addrs: bigint | null;
}

export const virDomainDiskError = declareStruct('virDomainDiskError', {
  disk: 'void *',
  error: 'int',
});

/** `disk` is a string that the caller frees. */
export interface VirDomainDiskError {
  disk: bigint;
  error: number;
}

type FromDomain = (domain: DomainPointer) => number;
type FromDomainWithFlags = (domain: DomainPointer, flags: number) => number;

export const virDomainDefineXMLFlags = declare<
  (conn: ConnectionPointer, xml: string, flags: number) => DomainPointer | null
>('virDomainPtr virDomainDefineXMLFlags(virConnectPtr conn, const char *xml, unsigned int flags)');
export const virDomainCreateXML = declare<
  (conn: ConnectionPointer, xml: string, flags: number) => DomainPointer | null
>('virDomainPtr virDomainCreateXML(virConnectPtr conn, const char *xmlDesc, unsigned int flags)');
export const virDomainLookupByUUIDString = declare<(conn: ConnectionPointer, uuid: string) => DomainPointer | null>(
  'virDomainPtr virDomainLookupByUUIDString(virConnectPtr conn, const char *uuidstr)',
);
export const virDomainLookupByName = declare<(conn: ConnectionPointer, name: string) => DomainPointer | null>(
  'virDomainPtr virDomainLookupByName(virConnectPtr conn, const char *name)',
);
export const virConnectListAllDomains = declare<
  (conn: ConnectionPointer, domains: [bigint | null], flags: number) => number
>('int virConnectListAllDomains(virConnectPtr conn, _Out_ void **domains, unsigned int flags)');
export const virConnectGetDomainCapabilities = declare<
  (
    conn: ConnectionPointer,
    emulatorbin: string | null,
    arch: string | null,
    machine: string | null,
    virttype: string | null,
    flags: number,
  ) => string | null
>(
  'char *! virConnectGetDomainCapabilities(virConnectPtr conn, const char *emulatorbin, const char *arch, const char *machine, const char *virttype, unsigned int flags)',
);
export const virDomainFree = declare<FromDomain>('int virDomainFree(virDomainPtr domain)');
export const virDomainGetName = declare<(domain: DomainPointer) => string | null>(
  'const char *virDomainGetName(virDomainPtr domain)',
);
export const virDomainGetUUIDString = declare<(domain: DomainPointer, buf: Buffer) => number>(
  'int virDomainGetUUIDString(virDomainPtr domain, void *buf)',
);
export const virDomainGetID = declare<FromDomain>('unsigned int virDomainGetID(virDomainPtr domain)');
export const virDomainCreateWithFlags = declare<FromDomainWithFlags>(
  'int virDomainCreateWithFlags(virDomainPtr domain, unsigned int flags)',
);
export const virDomainDestroyFlags = declare<FromDomainWithFlags>(
  'int virDomainDestroyFlags(virDomainPtr domain, unsigned int flags)',
);
export const virDomainShutdownFlags = declare<FromDomainWithFlags>(
  'int virDomainShutdownFlags(virDomainPtr domain, unsigned int flags)',
);
export const virDomainReboot = declare<FromDomainWithFlags>(
  'int virDomainReboot(virDomainPtr domain, unsigned int flags)',
);
export const virDomainReset = declare<FromDomainWithFlags>(
  'int virDomainReset(virDomainPtr domain, unsigned int flags)',
);
export const virDomainSuspend = declare<FromDomain>('int virDomainSuspend(virDomainPtr domain)');
export const virDomainResume = declare<FromDomain>('int virDomainResume(virDomainPtr domain)');
export const virDomainManagedSave = declare<FromDomainWithFlags>(
  'int virDomainManagedSave(virDomainPtr domain, unsigned int flags)',
);
export const virDomainHasManagedSaveImage = declare<FromDomainWithFlags>(
  'int virDomainHasManagedSaveImage(virDomainPtr domain, unsigned int flags)',
);
export const virDomainManagedSaveRemove = declare<FromDomainWithFlags>(
  'int virDomainManagedSaveRemove(virDomainPtr domain, unsigned int flags)',
);
export const virDomainUndefineFlags = declare<FromDomainWithFlags>(
  'int virDomainUndefineFlags(virDomainPtr domain, unsigned int flags)',
);
type ChangeDevice = (domain: DomainPointer, xml: string, flags: number) => number;
export const virDomainAttachDeviceFlags = declare<ChangeDevice>(
  'int virDomainAttachDeviceFlags(virDomainPtr domain, const char *xml, unsigned int flags)',
);
export const virDomainDetachDeviceFlags = declare<ChangeDevice>(
  'int virDomainDetachDeviceFlags(virDomainPtr domain, const char *xml, unsigned int flags)',
);
export const virDomainUpdateDeviceFlags = declare<ChangeDevice>(
  'int virDomainUpdateDeviceFlags(virDomainPtr domain, const char *xml, unsigned int flags)',
);
export const virDomainIsActive = declare<FromDomain>('int virDomainIsActive(virDomainPtr domain)');
export const virDomainIsPersistent = declare<FromDomain>('int virDomainIsPersistent(virDomainPtr domain)');
export const virDomainSetAutostart = declare<(domain: DomainPointer, autostart: number) => number>(
  'int virDomainSetAutostart(virDomainPtr domain, int autostart)',
);
export const virDomainGetAutostart = declare<(domain: DomainPointer, autostart: [number | bigint]) => number>(
  'int virDomainGetAutostart(virDomainPtr domain, _Out_ int *autostart)',
);
export const virDomainGetState = declare<
  (domain: DomainPointer, state: [number], reason: [number], flags: number) => number
>('int virDomainGetState(virDomainPtr domain, _Out_ int *state, _Out_ int *reason, unsigned int flags)');
export const virDomainGetInfo = declare<(domain: DomainPointer, info: Partial<VirDomainInfo>) => number>(
  'int virDomainGetInfo(virDomainPtr domain, _Out_ virDomainInfo *info)',
);
export const virDomainGetControlInfo = declare<
  (domain: DomainPointer, info: Partial<VirDomainControlInfo>, flags: number) => number
>('int virDomainGetControlInfo(virDomainPtr domain, _Out_ virDomainControlInfo *info, unsigned int flags)');
export const virDomainGetDiskErrors = declare<
  (domain: DomainPointer, errors: bigint | null, maxerrors: number, flags: number) => number
>(
  'int virDomainGetDiskErrors(virDomainPtr dom, virDomainDiskError *errors, unsigned int maxerrors, unsigned int flags)',
);
export const virDomainGetXMLDesc = declare<(domain: DomainPointer, flags: number) => string | null>(
  'char *! virDomainGetXMLDesc(virDomainPtr domain, unsigned int flags)',
);
export const virDomainSetMetadata = declare<
  (
    domain: DomainPointer,
    type: number,
    metadata: string | null,
    key: string | null,
    uri: string | null,
    flags: number,
  ) => number
>(
  'int virDomainSetMetadata(virDomainPtr domain, int type, const char *metadata, const char *key, const char *uri, unsigned int flags)',
);
export const virDomainGetMetadata = declare<
  (domain: DomainPointer, type: number, uri: string | null, flags: number) => string | null
>('char *! virDomainGetMetadata(virDomainPtr domain, int type, const char *uri, unsigned int flags)');
export const virDomainInterfaceAddresses = declare<
  (domain: DomainPointer, ifaces: [bigint | null], source: number, flags: number) => number
>('int virDomainInterfaceAddresses(virDomainPtr dom, _Out_ void **ifaces, unsigned int source, unsigned int flags)');
export const virDomainInterfaceFree = declare<(iface: bigint) => void>('void virDomainInterfaceFree(void *iface)');
export const virDomainAgentSetResponseTimeout = declare<
  (domain: DomainPointer, timeout: number, flags: number) => number
>('int virDomainAgentSetResponseTimeout(virDomainPtr domain, int timeout, unsigned int flags)');
export const virDomainOpenConsole = declare<
  (domain: DomainPointer, devName: string | null, stream: StreamPointer, flags: number) => number
>('int virDomainOpenConsole(virDomainPtr dom, const char *dev_name, virStreamPtr st, unsigned int flags)');
export const virConnectDomainEventRegisterAny = declare<
  (conn: ConnectionPointer, domain: null, eventId: number, cb: CallbackPointer, opaque: bigint, freecb: null) => number
>(
  'int virConnectDomainEventRegisterAny(virConnectPtr conn, virDomainPtr dom, int eventID, void *cb, void *opaque, void *freecb)',
);
export const virConnectDomainEventDeregisterAny = declare<(conn: ConnectionPointer, callbackId: number) => number>(
  'int virConnectDomainEventDeregisterAny(virConnectPtr conn, int callbackID)',
);
