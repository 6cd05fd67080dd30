import { furtherDiskFile } from '@etcd-compute/agent/disks/further-disks';
import { bootRequestSchema, isDestroyWish, wishesOf } from '@etcd-compute/common/etcd/messages/boot-request';
import { hostAuditSchema, type HostAudit } from '@etcd-compute/common/etcd/messages/host-audit';
import { instanceLocationSchema, type InstanceLocation } from '@etcd-compute/common/etcd/messages/instance-location';
import { instanceRecordSchema, type InstanceRecord } from '@etcd-compute/common/etcd/messages/instance-record';
import { nameHolderSchema } from '@etcd-compute/common/etcd/messages/name-holder';
import { parseMessage } from '@etcd-compute/common/etcd/messages/parse-message';
import { presenceSchema, type Trouble } from '@etcd-compute/common/etcd/messages/presence';
import type { Keys } from '@etcd-compute/common/etcd/keys';
import type { Entry } from '@etcd-compute/common/etcd/store';
import type { WatchEvent } from '@etcd-compute/common/etcd/store-watch';
import type { InstanceUuid } from '@etcd-compute/common/ids';
import { PlacementIndex } from '@etcd-compute/placement/index/placement-index';
import type { Stage } from '../stage.js';
import { createApiReader } from './read-api.js';
import type { World, WorldName, WorldRequest } from '../world.js';

type EtcdWorld = Omit<World, 'allocations' | 'hosts' | 'contents'>;

/** All keys as of one revision. */
export const readEtcd = async ({
  store,
  keys,
  placementServer,
}: Pick<Stage, 'store' | 'keys' | 'placementServer'>): Promise<EtcdWorld> => {
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
  const counted = new PlacementIndex();
  const api = createApiReader(keys);
  for (const entry of entries) {
    if (takeCounted(counted, keys, entry) || api.take(entry)) continue;
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
    else if (entry.key !== keys.namesComplete) otherKeys.set(entry.key, entry.value);
  }
  const room = { api: api.state, counted: placementServer ? undefined : counted };
  return { requests, records, locations, names, endings, booted, presences, troubles, findings, otherKeys, ...room };
};

/** @returns whether it is a key of what is counted. */
export const takeCounted = (
  index: PlacementIndex,
  { placement }: Pick<Keys, 'placement'>,
  { key, value, modRevision }: Entry | WatchEvent,
): boolean => {
  if (!key.startsWith(placement)) return false;
  index.apply({ key: key.slice(placement.length), value, modRevision: BigInt(modRevision) });
  return true;
};

const readRequest = ({ key, value }: Entry): Omit<WorldRequest, 'host' | 'instance'> => {
  const request = parseMessage(bootRequestSchema, key, value);
  const { instance, allocations, disks = [], image_checksum: checksum } = request;
  const further = disks.map(({ uuid }) => furtherDiskFile({ instance, disk: uuid }));
  return {
    isDestroy: isDestroyWish(request),
    allocations,
    wishes: wishesOf(request),
    disks: [`${instance}.img`, ...further],
    attemptsLeft: request.retry?.attempts_left ?? 0,
    copies: request.shelved?.copies ?? [],
    checksum,
  };
};
