/** Backups, jobs and frozen file systems of libvirt-domain.h: https://libvirt.org/html/libvirt-libvirt-domain.html */
import koffi from 'koffi';
import { declare, declareStruct } from '../library.js';
import type { DomainPointer } from '../pointers.js';

/** `value` is a union of eight bytes: https://libvirt.org/html/libvirt-libvirt-common.html#virTypedParameter */
export const virTypedParameter = declareStruct('virTypedParameter', {
  field: koffi.array('char', 80, 'String'),
  type: 'int',
  value: 'uint64_t',
});

export interface VirTypedParameter {
  field: string;
  type: number;
  value: number | bigint;
}

type OnMountpoints = (domain: DomainPointer, mountpoints: null, count: number, flags: number) => number;

export const virDomainFSFreeze = declare<OnMountpoints>(
  'int virDomainFSFreeze(virDomainPtr dom, const char **mountpoints, unsigned int nmountpoints, unsigned int flags)',
);
export const virDomainFSThaw = declare<OnMountpoints>(
  'int virDomainFSThaw(virDomainPtr dom, const char **mountpoints, unsigned int nmountpoints, unsigned int flags)',
);
export const virDomainBackupBegin = declare<
  (domain: DomainPointer, backupXML: string, checkpointXML: string | null, flags: number) => number
>(
  'int virDomainBackupBegin(virDomainPtr domain, const char *backupXML, const char *checkpointXML, unsigned int flags)',
);
export const virDomainBackupGetXMLDesc = declare<(domain: DomainPointer, flags: number) => string | null>(
  'char *! virDomainBackupGetXMLDesc(virDomainPtr domain, unsigned int flags)',
);
export const virDomainGetJobStats = declare<
  (domain: DomainPointer, type: [number], params: [bigint | null], nparams: [number], flags: number) => number
>(
  'int virDomainGetJobStats(virDomainPtr domain, _Out_ int *type, _Out_ void **params, _Out_ int *nparams, unsigned int flags)',
);
export const virDomainAbortJob = declare<(domain: DomainPointer) => number>(
  'int virDomainAbortJob(virDomainPtr domain)',
);
export const virTypedParamsFree = declare<(params: bigint, nparams: number) => void>(
  'void virTypedParamsFree(void *params, int nparams)',
);
