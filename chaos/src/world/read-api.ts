import { readdir } from 'node:fs/promises';
import { COMPUTE_KINDS, type Records, type ServerGroup } from '@etcd-compute/api/compute/state/entities';
import { createServerKeys } from '@etcd-compute/api/compute/servers/state/server-keys';
import { serverSchema, type Server } from '@etcd-compute/api/compute/servers/state/server-record';
import { usageSchema } from '@etcd-compute/api/compute/servers/engine/usage';
import { limitsOf } from '@etcd-compute/api/compute/engine/quotas';
import type { Usage } from '@etcd-compute/api/compute/usage';
import { KINDS, type Image, type ImageRecords } from '@etcd-compute/api/image/state/records';
import { RecordIndex } from '@etcd-compute/api/state/record-index';
import type { Keys } from '@etcd-compute/common/etcd/keys';
import { parseMessage } from '@etcd-compute/common/etcd/messages/parse-message';
import type { Eapi } from '../api/eapis.js';
import { z } from 'zod';

/** What eapi keeps in etcd, as far as it is judged. */
export interface ApiState {
  readonly servers: ReadonlyMap<string, Server>;
  /** What each project uses, as it is written down. */
  readonly usage: ReadonlyMap<string, Usage>;
  /** The servers of each group, and where each was placed. */
  readonly members: ReadonlyMap<string, Readonly<Record<string, string>>>;
  readonly groups: () => readonly ServerGroup[];
  /** @returns how much a project may use. */
  readonly limitsOf: (project: string) => Usage;
  readonly images: () => readonly Image[];
  /** Images whose snapshots are still followed. */
  readonly orders: () => readonly string[];
  /** Records that cannot be read. */
  readonly unreadable: readonly string[];
}

export interface ApiReader {
  readonly state: ApiState;
  /** @returns whether it is a key of eapi's. */
  readonly take: (event: { readonly key: string; readonly value: string | undefined }) => boolean;
}

const membersSchema = z.looseObject({ hosts: z.record(z.string(), z.string()) });

/** Takes keys one after the other, from a list or from a watch. */
export const createApiReader = ({ compute, identity, image, imageServers }: Keys): ApiReader => {
  const unreadable: string[] = [];
  const note = ({ key, reason }: { key: string; reason: string }): void => void unreadable.push(`${key}: ${reason}`);
  const records = new RecordIndex<Records>(COMPUTE_KINDS, note);
  const imageRecords = new RecordIndex<ImageRecords>(KINDS, note);
  const servers = new Map<string, Server>();
  const usage = new Map<string, Usage>();
  const members = new Map<string, Readonly<Record<string, string>>>();
  const [ofCompute, ofImages] = [`${compute}state/`, `${image}state/`];
  const { changes, ...serverKeys } = createServerKeys(compute);
  const lastOf = (key: string): string => key.slice(key.lastIndexOf('/') + 1);
  const put = <T>(map: Map<string, T>, key: string, value: T | undefined): void => {
    if (value === undefined) map.delete(lastOf(key));
    else map.set(lastOf(key), value);
  };
  /** Undefined of undefined. */
  const parse = <S extends z.ZodType>(schema: S, key: string, value: string | undefined): z.output<S> | undefined =>
    value === undefined ? undefined : parseMessage(schema, key, value);
  const take: ApiReader['take'] = ({ key, value }) => {
    if ([identity, imageServers].some((prefix) => key.startsWith(prefix))) return true;
    if (key.startsWith(ofImages)) imageRecords.apply({ key: key.slice(ofImages.length), value });
    else if (key.startsWith(ofCompute)) records.apply({ key: key.slice(ofCompute.length), value });
    else if (key === changes) return true;
    else if (key.startsWith(serverKeys.servers)) put(servers, key, parse(serverSchema, key, value));
    else if (key.startsWith(serverKeys.usage(''))) put(usage, key, parse(usageSchema, key, value));
    else if (key.startsWith(serverKeys.members(''))) put(members, key, parse(membersSchema, key, value)?.hosts);
    else return key === `${image}secret`;
    return true;
  };
  const state: ApiState = {
    servers,
    usage,
    members,
    groups: () => records.list('server_group'),
    limitsOf: (project) => limitsOf(records, project),
    images: () => imageRecords.list('image'),
    orders: () => imageRecords.list('snapshot').map((order) => order.image),
    unreadable,
  };
  return { state, take };
};

/** The files in the folder of each eapi; of several that share one, once. */
export const readContents = async (eapis: readonly Eapi[]): Promise<ReadonlyMap<string, readonly string[]>> => {
  const folders = [...new Set(eapis.map(({ imagesDir }) => imagesDir))];
  const contentsOf = async (folder: string): Promise<readonly string[]> =>
    (await readdir(folder).catch(() => [])).filter((name) => name !== '.cloud');
  return new Map(await Promise.all(folders.map(async (folder) => [folder, await contentsOf(folder)] as const)));
};
