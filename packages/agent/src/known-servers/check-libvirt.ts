import { EcomputeError } from '@etcd-compute/common/errors';
import type { Connection } from '@etcd-compute/libvirt/connection';
import { isLibvirtError } from '@etcd-compute/libvirt/errors';
import type { KnownServersFile } from './known-servers.js';

export interface CheckLibvirtOptions {
  readonly known: KnownServersFile;
  /** Whether anything of an instance is in the state folder. */
  readonly hasFiles: () => Promise<boolean>;
  /** Whether this libvirt has a domain of this host. */
  readonly hasDomains: (connection: Connection) => Promise<boolean>;
}

/**
 * Makes sure that libvirt is the one in which the disks' pool was defined: with another URI, a mount that is missing or an empty /etc/libvirt, it
 * has neither the pool nor a domain of ours. A host's uuid, as libvirt tells it, is no help: without one in the firmware, it is
 * another one after each start of libvirtd.
 *
 * @throws ECOMPUTE_LIBVIRT_CHANGED. Repeatable: it sees when a person has accepted the change.
 */
export const checkLibvirt = async (
  connection: Connection,
  { known, hasFiles, hasDomains }: CheckLibvirtOptions,
): Promise<void> => {
  // A driver inside this process always starts empty.
  if (!connection.isRemote) return;
  const { libvirt } = await known.read();
  if (!libvirt || (await hasPool(connection, libvirt.pool))) return;
  if ((await hasDomains(connection)) || !(await hasFiles())) return;
  throw new EcomputeError(
    'ECOMPUTE_LIBVIRT_CHANGED',
    `libvirt at ${connection.uri} is not the one that this host belongs to (${libvirt.uri}): it has no domain of this host, and not the storage pool ${libvirt.pool}`,
    {
      retryable: true,
      hint: 'the agent does nothing on this host meanwhile. If this is the right libvirt, run: ecompute --accept-change libvirt; see "After a restore, or a wrong setting" in docs/operations.md',
    },
  );
};

const hasPool = async (connection: Connection, uuid: string): Promise<boolean> => {
  try {
    await using _pool = await connection.storagePoolLookupByUUID(uuid);
    return true;
  } catch (err) {
    if (isLibvirtError(err, 'VIR_ERR_NO_STORAGE_POOL')) return false;
    throw err;
  }
};

/** To be called when the pool is there. */
export const noteLibvirt = async (
  connection: Connection,
  { known, poolName }: { known: KnownServersFile; poolName: string },
): Promise<void> => {
  await using pool = await connection.storagePoolLookupByName(poolName);
  const libvirt = { uri: connection.uri, pool: pool.uuid };
  await known.change((before) => ({ ...before, libvirt }));
};
