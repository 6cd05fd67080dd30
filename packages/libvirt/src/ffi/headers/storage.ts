/** libvirt-storage.h: https://libvirt.org/html/libvirt-libvirt-storage.html */
import { declare, declareStruct } from '../library.js';
import type { ConnectionPointer, StoragePoolPointer, StorageVolumePointer, StreamPointer } from '../pointers.js';

declareStruct('virStoragePoolInfo', {
  state: 'int',
  capacity: 'unsigned long long',
  allocation: 'unsigned long long',
  available: 'unsigned long long',
});

export interface VirStoragePoolInfo {
  state: number;
  capacity: number | bigint;
  allocation: number | bigint;
  available: number | bigint;
}

declareStruct('virStorageVolInfo', {
  type: 'int',
  capacity: 'unsigned long long',
  allocation: 'unsigned long long',
});

export interface VirStorageVolInfo {
  type: number;
  capacity: number | bigint;
  allocation: number | bigint;
}

type FromPool = (pool: StoragePoolPointer) => number;
type FromPoolWithFlags = (pool: StoragePoolPointer, flags: number) => number;
type FromVolumeWithFlags = (volume: StorageVolumePointer, flags: number) => number;
type Transfer = (
  volume: StorageVolumePointer,
  stream: StreamPointer,
  offset: bigint,
  length: bigint,
  flags: number,
) => number;

export const virStoragePoolDefineXML = declare<
  (conn: ConnectionPointer, xml: string, flags: number) => StoragePoolPointer | null
>('virStoragePoolPtr virStoragePoolDefineXML(virConnectPtr conn, const char *xml, unsigned int flags)');
export const virStoragePoolCreateXML = declare<
  (conn: ConnectionPointer, xml: string, flags: number) => StoragePoolPointer | null
>('virStoragePoolPtr virStoragePoolCreateXML(virConnectPtr conn, const char *xmlDesc, unsigned int flags)');
export const virStoragePoolLookupByName = declare<(conn: ConnectionPointer, name: string) => StoragePoolPointer | null>(
  'virStoragePoolPtr virStoragePoolLookupByName(virConnectPtr conn, const char *name)',
);
export const virStoragePoolLookupByUUIDString = declare<
  (conn: ConnectionPointer, uuid: string) => StoragePoolPointer | null
>('virStoragePoolPtr virStoragePoolLookupByUUIDString(virConnectPtr conn, const char *uuidstr)');
export const virConnectListAllStoragePools = declare<
  (conn: ConnectionPointer, pools: [bigint | null], flags: number) => number
>('int virConnectListAllStoragePools(virConnectPtr conn, _Out_ void **pools, unsigned int flags)');
export const virStoragePoolFree = declare<FromPool>('int virStoragePoolFree(virStoragePoolPtr pool)');
export const virStoragePoolGetName = declare<(pool: StoragePoolPointer) => string | null>(
  'const char *virStoragePoolGetName(virStoragePoolPtr pool)',
);
export const virStoragePoolGetUUIDString = declare<(pool: StoragePoolPointer, buf: Buffer) => number>(
  'int virStoragePoolGetUUIDString(virStoragePoolPtr pool, void *buf)',
);
export const virStoragePoolCreate = declare<FromPoolWithFlags>(
  'int virStoragePoolCreate(virStoragePoolPtr pool, unsigned int flags)',
);
export const virStoragePoolBuild = declare<FromPoolWithFlags>(
  'int virStoragePoolBuild(virStoragePoolPtr pool, unsigned int flags)',
);
export const virStoragePoolDestroy = declare<FromPool>('int virStoragePoolDestroy(virStoragePoolPtr pool)');
export const virStoragePoolDelete = declare<FromPoolWithFlags>(
  'int virStoragePoolDelete(virStoragePoolPtr pool, unsigned int flags)',
);
export const virStoragePoolUndefine = declare<FromPool>('int virStoragePoolUndefine(virStoragePoolPtr pool)');
export const virStoragePoolRefresh = declare<FromPoolWithFlags>(
  'int virStoragePoolRefresh(virStoragePoolPtr pool, unsigned int flags)',
);
export const virStoragePoolIsActive = declare<FromPool>('int virStoragePoolIsActive(virStoragePoolPtr pool)');
export const virStoragePoolIsPersistent = declare<FromPool>('int virStoragePoolIsPersistent(virStoragePoolPtr pool)');
export const virStoragePoolSetAutostart = declare<(pool: StoragePoolPointer, autostart: number) => number>(
  'int virStoragePoolSetAutostart(virStoragePoolPtr pool, int autostart)',
);
export const virStoragePoolGetAutostart = declare<(pool: StoragePoolPointer, autostart: [number | bigint]) => number>(
  'int virStoragePoolGetAutostart(virStoragePoolPtr pool, _Out_ int *autostart)',
);
export const virStoragePoolGetXMLDesc = declare<(pool: StoragePoolPointer, flags: number) => string | null>(
  'char *! virStoragePoolGetXMLDesc(virStoragePoolPtr pool, unsigned int flags)',
);
export const virStoragePoolGetInfo = declare<(pool: StoragePoolPointer, info: Partial<VirStoragePoolInfo>) => number>(
  'int virStoragePoolGetInfo(virStoragePoolPtr vol, _Out_ virStoragePoolInfo *info)',
);
export const virStoragePoolListAllVolumes = declare<
  (pool: StoragePoolPointer, vols: [bigint | null], flags: number) => number
>('int virStoragePoolListAllVolumes(virStoragePoolPtr pool, _Out_ void **vols, unsigned int flags)');
export const virStorageVolCreateXML = declare<
  (pool: StoragePoolPointer, xml: string, flags: number) => StorageVolumePointer | null
>('virStorageVolPtr virStorageVolCreateXML(virStoragePoolPtr pool, const char *xmlDesc, unsigned int flags)');
export const virStorageVolLookupByName = declare<
  (pool: StoragePoolPointer, name: string) => StorageVolumePointer | null
>('virStorageVolPtr virStorageVolLookupByName(virStoragePoolPtr pool, const char *name)');
export const virStorageVolLookupByPath = declare<
  (conn: ConnectionPointer, path: string) => StorageVolumePointer | null
>('virStorageVolPtr virStorageVolLookupByPath(virConnectPtr conn, const char *path)');
export const virStorageVolFree = declare<(volume: StorageVolumePointer) => number>(
  'int virStorageVolFree(virStorageVolPtr vol)',
);
export const virStorageVolGetName = declare<(volume: StorageVolumePointer) => string | null>(
  'const char *virStorageVolGetName(virStorageVolPtr vol)',
);
export const virStorageVolGetKey = declare<(volume: StorageVolumePointer) => string | null>(
  'const char *virStorageVolGetKey(virStorageVolPtr vol)',
);
export const virStorageVolGetPath = declare<(volume: StorageVolumePointer) => string | null>(
  'char *! virStorageVolGetPath(virStorageVolPtr vol)',
);
export const virStorageVolGetInfo = declare<(volume: StorageVolumePointer, info: Partial<VirStorageVolInfo>) => number>(
  'int virStorageVolGetInfo(virStorageVolPtr vol, _Out_ virStorageVolInfo *info)',
);
export const virStorageVolGetXMLDesc = declare<(volume: StorageVolumePointer, flags: number) => string | null>(
  'char *! virStorageVolGetXMLDesc(virStorageVolPtr vol, unsigned int flags)',
);
export const virStorageVolResize = declare<(volume: StorageVolumePointer, capacity: bigint, flags: number) => number>(
  'int virStorageVolResize(virStorageVolPtr vol, unsigned long long capacity, unsigned int flags)',
);
export const virStorageVolDelete = declare<FromVolumeWithFlags>(
  'int virStorageVolDelete(virStorageVolPtr vol, unsigned int flags)',
);
export const virStorageVolUpload = declare<Transfer>(
  'int virStorageVolUpload(virStorageVolPtr vol, virStreamPtr stream, unsigned long long offset, unsigned long long length, unsigned int flags)',
);
export const virStorageVolDownload = declare<Transfer>(
  'int virStorageVolDownload(virStorageVolPtr vol, virStreamPtr stream, unsigned long long offset, unsigned long long length, unsigned int flags)',
);
