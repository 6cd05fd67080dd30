/** What the demo makes in libvirt, found by what it is marked with, so that it is found also when the demo's own processes have died. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { readMark } from '@etcd-compute/agent/domains/domain';
import { removalOf } from '@etcd-compute/agent/networks/filter-tables';
import { applyChanges } from '@etcd-compute/agent/networks/nft';
import type { Connection } from '@etcd-compute/libvirt/connection';
import { DomainUndefineFlags } from '@etcd-compute/libvirt/constants';
import type { Domain } from '@etcd-compute/libvirt/domain';
import { isLibvirtError } from '@etcd-compute/libvirt/errors';
import { parseNetwork } from '@etcd-compute/libvirt/xml/network';
import { parseDirectoryPool } from '@etcd-compute/libvirt/xml/storage-pool';
import type { Subnet } from './subnet.js';

export interface Removed {
  readonly domains: number;
  readonly networks: number;
  readonly pools: number;
}

/**
 * Removes the domains that were made from this state folder, the storage pool that is in it, and the network of the same name as the
 * pool. May be repeated.
 *
 * @param name of network and pool, when it is known from the record; a pool in the state folder tells it as well.
 */
export const removeFromLibvirt = async (
  connection: Connection,
  hostStateDir: string,
  name: string | undefined,
): Promise<Removed> => {
  const domains = await connection.listAllDomains();
  const removed = await Promise.all(domains.map((domain) => removeIfOurs(domain, hostStateDir)));
  const names = new Set(name === undefined ? [] : [name]);
  let pools = 0;
  for (const handle of await connection.listAllStoragePools()) {
    await using pool = handle;
    if (parseDirectoryPool(await pool.getXMLDesc()).path !== disksFolder(hostStateDir)) continue;
    names.add(pool.name);
    if (await pool.isActive()) await pool.destroy();
    await pool.undefine();
    pools += 1;
  }
  let networks = 0;
  for (const handle of await connection.listAllNetworks()) {
    await using network = handle;
    if (!names.has(network.name)) continue;
    if (await network.isActive()) await network.destroy();
    if (await network.isPersistent()) await network.undefine();
    await applyChanges(removalOf(network.name));
    // libvirt forgets these.
    for (const left of [`${network.name}.pid`, network.name])
      await rm(join('/run/libvirt/network', left), { recursive: true, force: true });
    networks += 1;
  }
  return { domains: removed.filter(Boolean).length, networks, pools };
};

/** As the agent lays out its state folder. */
export const disksFolder = (hostStateDir: string): string => join(hostStateDir, 'disks');

const removeIfOurs = async (handle: Domain, hostStateDir: string): Promise<boolean> => {
  await using domain = handle;
  const mark = await readMark(domain);
  if (mark?.stateDir !== hostStateDir) return false;
  try {
    if (await domain.isActive()) await stop(domain);
    await domain.undefineFlags(
      DomainUndefineFlags.MANAGED_SAVE | DomainUndefineFlags.SNAPSHOTS_METADATA | DomainUndefineFlags.NVRAM,
    );
  } catch (error) {
    if (!isLibvirtError(error, 'VIR_ERR_NO_DOMAIN')) throw error; // the agent was quicker
  }
  return true;
};

/** It may have ended by itself. */
const stop = async (domain: Domain): Promise<void> => {
  try {
    await domain.destroy();
  } catch (error) {
    if (!isLibvirtError(error, 'VIR_ERR_OPERATION_INVALID')) throw error;
  }
};

/** A name that neither a network nor a pool has yet, and the addresses that libvirt's networks take, running or not. */
export const surveyLibvirt = async (
  connection: Connection,
  { preferred, otherwise }: { readonly preferred: string; readonly otherwise: string },
): Promise<{ name: string; subnets: Subnet[] }> => {
  const names = new Set<string>();
  const subnets: Subnet[] = [];
  for (const handle of await connection.listAllNetworks()) {
    await using network = handle;
    names.add(network.name);
    const { ip } = parseNetwork(await network.getXMLDesc());
    if (/^\d+(\.\d+){3}$/.test(ip.address)) subnets.push({ address: ip.address, prefix: ip.prefix });
  }
  for (const handle of await connection.listAllStoragePools()) {
    await using pool = handle;
    names.add(pool.name);
  }
  return { name: names.has(preferred) ? otherwise : preferred, subnets };
};
