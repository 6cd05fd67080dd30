import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { readLeftover } from '@etcd-compute/agent/images/leftovers';
import { readMark } from '@etcd-compute/agent/instances/domain';
import { bootRequestSchema, isDestroyWish, type BootRequest } from '@etcd-compute/common/etcd/messages/boot-request';
import { hostAuditSchema, type HostAudit } from '@etcd-compute/common/etcd/messages/host-audit';
import { instanceRecordSchema, type InstanceRecord } from '@etcd-compute/common/etcd/messages/instance-record';
import { instanceLocationSchema, type InstanceLocation } from '@etcd-compute/common/etcd/messages/instance-location';
import { nameHolderSchema } from '@etcd-compute/common/etcd/messages/name-holder';
import { parseMessage } from '@etcd-compute/common/etcd/messages/parse-message';
import { presenceSchema, type Trouble } from '@etcd-compute/common/etcd/messages/presence';
import type { Entry } from '@etcd-compute/common/etcd/store';
import type { InstanceUuid, ProviderUuid } from '@etcd-compute/common/ids';
import { listProviderAllocations } from '@etcd-compute/common/placement/allocations';
import type { Connection } from '@etcd-compute/libvirt/connection';
import { parseDomain } from '@etcd-compute/libvirt/xml/domain';
import { parseNetwork } from '@etcd-compute/libvirt/xml/network';
import type { Host } from './host.js';
import type { Stage } from './stage.js';

/** The four worlds at one time: etcd, Placement, libvirt and the disk. */
export interface World {
  readonly requests: readonly WorldRequest[];
  readonly records: readonly InstanceRecord[];
  /** By instance. */
  readonly locations: ReadonlyMap<string, InstanceLocation>;
  readonly names: readonly WorldName[];
  /** Instances whose books are still open. */
  readonly endings: readonly InstanceUuid[];
  /** The value of each `/booted` key, by instance. */
  readonly booted: ReadonlyMap<string, string>;
  /** The process that holds the presence of each host. */
  readonly presences: ReadonlyMap<string, number>;
  /** What keeps hosts from working, as their agents say. */
  readonly troubles: ReadonlyMap<string, Trouble>;
  /** What the agents' own audits complain about, by host. */
  readonly findings: ReadonlyMap<string, readonly HostAudit['findings'][number][]>;
  /** All other keys, with their values: somebody else's, and what an agent keeps under its host. */
  readonly otherKeys: ReadonlyMap<string, string>;
  readonly allocations: readonly WorldAllocation[];
  readonly hosts: readonly WorldHost[];
}

export interface WorldRequest {
  readonly host: ProviderUuid;
  readonly instance: InstanceUuid;
  readonly isDestroy: boolean;
  readonly allocations: BootRequest['allocations'];
  readonly power: BootRequest['power'];
}

export interface WorldName {
  readonly project: string;
  readonly name: string;
  readonly instance: InstanceUuid;
}

export interface WorldAllocation {
  readonly host: ProviderUuid;
  readonly consumer: string;
  readonly resources: Readonly<Record<string, number>>;
}

export interface WorldHost {
  readonly host: ProviderUuid;
  readonly agentPid: number;
  readonly domains: readonly WorldDomain[];
  /** Names of volumes in the storage pool, and of files in its folder. */
  readonly disks: readonly string[];
  /** Console logs, config drives and whatever else has a file of its own for each instance. */
  readonly files: readonly string[];
  /** Files in the image cache that are no whole images, and that no agent will go on with. */
  readonly partialImages: readonly string[];
  /** The address of each MAC in the host table of the guests' network; undefined with libvirt's test driver, which makes addresses up. */
  readonly reserved: ReadonlyMap<string, string> | undefined;
}

export interface WorldDomain {
  readonly uuid: string;
  readonly name: string;
  readonly state: 'running' | 'shut-off' | 'other';
  readonly isOurs: boolean;
  readonly macs: readonly string[];
}

export const readWorld = async (stage: Stage): Promise<World> => {
  const [etcd, ...rest] = await Promise.all([
    readEtcd(stage),
    ...stage.hosts.map(async (host) => ({
      allocations: await readAllocations(stage, host),
      host: await readHost(host, stage),
    })),
  ]);
  return {
    ...etcd,
    allocations: rest.flatMap(({ allocations }) => allocations),
    hosts: rest.map(({ host }) => host),
  };
};

type EtcdWorld = Omit<World, 'allocations' | 'hosts'>;

/** All keys as of one revision. */
const readEtcd = async ({ store, keys }: Stage): Promise<EtcdWorld> => {
  const { entries } = await store.list('/');
  const requests: WorldRequest[] = [];
  const records: InstanceRecord[] = [];
  const locations = new Map<string, InstanceLocation>();
  const names: WorldName[] = [];
  const endings: InstanceUuid[] = [];
  const booted = new Map<string, string>();
  const presences = new Map<string, number>();
  const troubles = new Map<string, Trouble>();
  const findings = new Map<string, HostAudit['findings']>();
  const otherKeys = new Map<string, string>();
  const bootedPrefix = '/booted/';
  for (const entry of entries) {
    const request = keys.parseRequest(entry.key);
    const agent = keys.parseAgent(entry.key);
    const audit = keys.parseAudit(entry.key);
    const location = keys.parseLocation(entry.key);
    const name = keys.parseName(entry.key);
    const ending = keys.parseEnding(entry.key);
    if (request) requests.push({ ...request, ...readRequest(entry) });
    else if (keys.parseReport(entry.key)) records.push(parseMessage(instanceRecordSchema, entry.key, entry.value));
    else if (location) locations.set(location, parseMessage(instanceLocationSchema, entry.key, entry.value));
    else if (name) names.push({ ...name, ...parseMessage(nameHolderSchema, entry.key, entry.value) });
    else if (ending) endings.push(ending);
    else if (entry.key.startsWith(bootedPrefix)) booted.set(entry.key.slice(bootedPrefix.length), entry.value);
    else if (agent !== undefined) {
      const { process, trouble } = parseMessage(presenceSchema, entry.key, entry.value);
      presences.set(agent, process.pid);
      if (trouble) troubles.set(agent, trouble);
    } else if (audit !== undefined) findings.set(audit, parseMessage(hostAuditSchema, entry.key, entry.value).findings);
    else otherKeys.set(entry.key, entry.value);
  }
  return { requests, records, locations, names, endings, booted, presences, troubles, findings, otherKeys };
};

const readRequest = ({ key, value }: Entry): Pick<WorldRequest, 'isDestroy' | 'allocations' | 'power'> => {
  const request = parseMessage(bootRequestSchema, key, value);
  return { isDestroy: isDestroyWish(request), allocations: request.allocations, power: request.power };
};

const readAllocations = async ({ placement }: Stage, { uuid }: Host): Promise<WorldAllocation[]> =>
  Object.entries(await listProviderAllocations(placement, uuid)).map(([consumer, { resources }]) => ({
    host: uuid,
    consumer,
    resources,
  }));

const READ_TIMEOUT_MS = 20_000;

const readHost = async (
  { uuid, stateDir, imagesDir, link, agent }: Host,
  { hasGuests }: Pick<Stage, 'hasGuests'>,
): Promise<WorldHost> => {
  const connection = await link.waitUp(AbortSignal.timeout(READ_TIMEOUT_MS));
  const images = await readdir(imagesDir);
  return {
    host: uuid,
    agentPid: agent.pid,
    domains: await readDomains(connection, uuid),
    disks: [...new Set([...(await readVolumes(connection)), ...(await listFolder(join(stateDir, 'disks')))])],
    files: await listFiles(stateDir),
    partialImages: await findUseless(imagesDir, images),
    reserved: hasGuests ? await readReserved(connection) : undefined,
  };
};

/** Of a download that an agent did not live to finish, the next one makes use, if anybody asks for the same image. */
const findUseless = async (folder: string, names: readonly string[]): Promise<string[]> => {
  const partial = names.filter((name) => name.endsWith('.part'));
  const leftovers = await Promise.all(partial.map(async (name) => readLeftover(join(folder, name))));
  return partial.filter((_name, index) => !leftovers[index]);
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
      state: state === 'running' ? 'running' : state === 'shutoff' ? 'shut-off' : 'other',
      isOurs: (await readMark(handle))?.host === host,
      macs: interfaces.flatMap(({ mac }) => mac ?? []),
    });
  }
  return domains;
};

const readReserved = async (connection: Connection): Promise<Map<string, string>> => {
  await using network = await connection.networkLookupByName('ecompute');
  const { ip } = parseNetwork(await network.getXMLDesc());
  return new Map(ip.dhcp?.hosts.map(({ mac, ip: address }) => [mac.toLowerCase(), address]));
};

const readVolumes = async (connection: Connection): Promise<string[]> => {
  await using pool = await connection.storagePoolLookupByName('ecompute');
  const names: string[] = [];
  for (const volume of await pool.listAllVolumes()) {
    await using handle = volume;
    names.push(handle.name);
  }
  return names;
};

/** By their names, so that what a later version keeps is covered too. */
const listFiles = async (stateDir: string): Promise<string[]> => {
  const folders = (await readdir(stateDir, { withFileTypes: true })).filter((entry) => entry.isDirectory());
  const names = folders.map(({ name }) => name).filter((name) => !['disks', 'images'].includes(name));
  return (await Promise.all(names.map(async (name) => listFolder(join(stateDir, name))))).flat();
};

/** What is not there holds nothing. */
const listFolder = async (path: string): Promise<string[]> => readdir(path).catch(() => []);
