import type { BootRequest } from '@etcd-compute/common/etcd/messages/boot-request';
import type { HostAudit } from '@etcd-compute/common/etcd/messages/host-audit';
import type { InstanceRecord } from '@etcd-compute/common/etcd/messages/instance-record';
import type { InstanceLocation } from '@etcd-compute/common/etcd/messages/instance-location';
import type { DiskCopy } from '@etcd-compute/common/etcd/messages/shelved';
import type { Wish } from '@etcd-compute/common/etcd/messages/wish';
import type { Trouble } from '@etcd-compute/common/etcd/messages/presence';
import type { InstanceUuid, ProviderUuid } from '@etcd-compute/common/ids';
import type { View } from '@etcd-compute/placement/index/view';
import type { Host } from './host.js';
import type { Stage } from './stage.js';
import { readContents, type ApiState } from './world/read-api.js';
import { readEtcd } from './world/read-etcd.js';
import { readHost } from './world/read-host.js';

/** The four worlds at one time: etcd, the room that is taken, libvirt and the disk. */
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
  /** What etcd counts, at the time of the requests; undefined where a Placement service does. */
  readonly counted: View | undefined;
  readonly hosts: readonly WorldHost[];
  /** What eapi keeps, at the time of the requests. */
  readonly api: ApiState;
  /** The files in each folder of images of eapi. */
  readonly contents: ReadonlyMap<string, readonly string[]>;
}

export interface WorldRequest {
  readonly host: ProviderUuid;
  readonly instance: InstanceUuid;
  readonly isDestroy: boolean;
  readonly allocations: BootRequest['allocations'];
  readonly wishes: readonly Wish[];
  /** The files of its disks. */
  readonly disks: readonly string[];
  /** How many more hosts may be tried. */
  readonly attemptsLeft: number;
  /** From which a shelved instance comes back. */
  readonly copies: readonly DiskCopy[];
  /** Of the image, as the command asked for it. */
  readonly checksum: string | undefined;
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
  readonly images: ImageFiles;
  /** The SHA-256 of the image that each disk is on, by the disk's name. */
  readonly backings: ReadonlyMap<string, string>;
  /** The address of each MAC in the host table of the guests' network; undefined with libvirt's test driver, which makes addresses up. */
  readonly reserved: ReadonlyMap<string, string> | undefined;
  /** The elements of each set of the guests' packet filter; undefined with libvirt's test driver. */
  readonly filter: ReadonlyMap<string, ReadonlySet<string>> | undefined;
}

/** An image cache. */
export interface ImageFiles {
  /** SHA-256 of whole images, as their names say. */
  readonly contents: readonly string[];
  /** Files of which nobody will make use. */
  readonly useless: readonly string[];
}

export interface WorldDomain {
  readonly uuid: string;
  readonly name: string;
  readonly state: 'running' | 'paused' | 'shut-off' | 'other';
  readonly isOurs: boolean;
  readonly interfaces: readonly WorldInterface[];
}

export interface WorldInterface {
  readonly mac: string;
  /** The host's end, where the agent has named it. */
  readonly port: string | undefined;
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
    contents: await readContents(stage.eapis),
    allocations: rest.flatMap(({ allocations }) => allocations),
    hosts: rest.map(({ host }) => host),
  };
};

const readAllocations = async ({ capacity }: Stage, { uuid }: Host): Promise<WorldAllocation[]> =>
  [...(await capacity.consumersOn(uuid))].map(([consumer, resources]) => ({ host: uuid, consumer, resources }));
