import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { newProviderUuid, providerUuidSchema } from '@etcd-compute/common/ids';
import { getFreePort } from '@etcd-compute/testing/free-port';
import { replaceFile } from '@etcd-compute/testing/replace-file';
import { z } from 'zod';
import type { Folders } from './folders.js';

/**
 * What a later run needs to find all that this one made, in `demo.json`. It is written before anything is made, so that a run
 * that was killed at any moment can be cleaned up.
 */
/** Who counts what is free: the programs themselves in etcd, or OpenStack's Placement. */
export const PLACEMENTS = ['etcd', 'openstack'] as const;
export type DemoPlacement = (typeof PLACEMENTS)[number];

const recordSchema = z.strictObject({
  version: z.literal(1),
  /** False until a guest has run once: the next run then removes everything and begins anew. */
  isComplete: z.boolean(),
  /** The host's uuid in Placement, and in the metadata of its domains. */
  host: providerUuidSchema,
  hostName: z.string(),
  hostStateDir: z.string(),
  // The demos of earlier versions had no choice.
  placement: z.enum(PLACEMENTS).default('openstack'),
  // The demos of earlier versions had no eapi.
  ports: z.strictObject({ etcd: z.int(), placement: z.int(), images: z.int(), eapi: z.int().default(0) }),
  /** Of the libvirt network and the storage pool; null until libvirt could be asked which names and addresses are free. */
  libvirt: z.strictObject({ name: z.string(), cidr: z.string() }).nullable(),
});
export type DemoRecord = z.output<typeof recordSchema>;

const recordPath = ({ dir }: Folders): string => join(dir, 'demo.json');

export const newRecord = async ({ hostStateDir }: Folders, placement: DemoPlacement): Promise<DemoRecord> => {
  return {
    version: 1,
    isComplete: false,
    host: newProviderUuid(),
    hostName: `${hostname()}-demo`,
    hostStateDir,
    placement,
    ports: {
      etcd: await getFreePort(),
      placement: await getFreePort(),
      images: await getFreePort(),
      eapi: await getFreePort(),
    },
    libvirt: null,
  };
};

export const findRecord = async (folders: Folders): Promise<DemoRecord | undefined> => {
  const path = recordPath(folders);
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  try {
    return recordSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new Error(`could not read ${path}: it is not what this version of the demo writes`, { cause });
  }
};

/** What configs say of it. */
export const placementSection = ({ placement, ports }: Pick<DemoRecord, 'placement' | 'ports'>): unknown =>
  placement === 'etcd' ? 'etcd' : { endpoint: `http://127.0.0.1:${ports.placement}` };

export const writeRecord = async (folders: Folders, record: DemoRecord): Promise<void> =>
  replaceFile(recordPath(folders), `${JSON.stringify(record, undefined, 2)}\n`);
