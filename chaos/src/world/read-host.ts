import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { readMark } from '@etcd-compute/agent/domains/domain';
import type { ProviderUuid } from '@etcd-compute/common/ids';
import type { Connection } from '@etcd-compute/libvirt/connection';
import type { DomainState } from '@etcd-compute/libvirt/domain';
import { parseDomain } from '@etcd-compute/libvirt/xml/domain';
import { parseNetwork } from '@etcd-compute/libvirt/xml/network';
import { parseStorageVolume } from '@etcd-compute/libvirt/xml/storage-volume';
import type { Host } from '../host.js';
import type { Stage } from '../stage.js';
import type { WorldDomain, WorldHost } from '../world.js';
import { readFilter } from './read-filter.js';
import { readImageFiles } from './read-images.js';

const READ_TIMEOUT_MS = 20_000;

const STATES: Partial<Record<DomainState, WorldDomain['state']>> = {
  running: 'running',
  paused: 'paused',
  shutoff: 'shut-off',
};

export const readHost = async (
  { uuid, stateDir, imagesDir, link, libvirtd, agent }: Host,
  { hasGuests }: Pick<Stage, 'hasGuests'>,
): Promise<WorldHost> => {
  const connection = await link.waitUp(AbortSignal.timeout(READ_TIMEOUT_MS));
  const volumes = await readVolumes(connection);
  return {
    host: uuid,
    agentPid: agent.pid,
    domains: await readDomains(connection, uuid),
    disks: [...new Set([...volumes.keys(), ...(await listFolder(join(stateDir, 'disks')))])],
    backings: new Map([...volumes].flatMap(([name, sha256]) => (sha256 === undefined ? [] : [[name, sha256]]))),
    files: await listFiles(stateDir),
    images: await readImageFiles(imagesDir),
    reserved: hasGuests ? await readReserved(connection) : undefined,
    filter: hasGuests ? await readFilter(libvirtd) : undefined,
  };
};

export const readDomains = async (connection: Connection, host: ProviderUuid): Promise<WorldDomain[]> => {
  const domains: WorldDomain[] = [];
  for (const domain of await connection.listAllDomains()) {
    await using handle = domain;
    const { state } = await handle.getState();
    const { interfaces } = parseDomain(await handle.getXMLDesc());
    domains.push({
      uuid: handle.uuid,
      name: handle.name,
      state: STATES[state] ?? 'other',
      isOurs: (await readMark(handle))?.host === host,
      interfaces: interfaces.map(({ mac, targetDev }) => ({ mac: mac.toLowerCase(), port: targetDev })),
    });
  }
  return domains;
};

const readReserved = async (connection: Connection): Promise<Map<string, string>> => {
  await using network = await connection.networkLookupByName('ecompute');
  const { ip } = parseNetwork(await network.getXMLDesc());
  return new Map(ip.dhcp?.hosts.map(({ mac, ip: address }) => [mac.toLowerCase(), address]));
};

/** The names of the volumes, and the SHA-256 of the image that each is on: the name of its file. */
const readVolumes = async (connection: Connection): Promise<Map<string, string | undefined>> => {
  await using pool = await connection.storagePoolLookupByName('ecompute');
  const images = new Map<string, string | undefined>();
  for (const volume of await pool.listAllVolumes()) {
    await using handle = volume;
    const { backing } = parseStorageVolume(await handle.getXMLDesc());
    images.set(handle.name, backing && basename(backing.path, '.img'));
  }
  return images;
};

/** By their names, so that what a later version keeps is covered too. */
const listFiles = async (stateDir: string): Promise<string[]> => {
  const folders = (await readdir(stateDir, { withFileTypes: true })).filter((entry) => entry.isDirectory());
  const names = folders.map(({ name }) => name).filter((name) => !['disks', 'images'].includes(name));
  return (await Promise.all(names.map(async (name) => listFolder(join(stateDir, name))))).flat();
};

/** What is not there holds nothing. */
const listFolder = async (path: string): Promise<string[]> => readdir(path).catch(() => []);
