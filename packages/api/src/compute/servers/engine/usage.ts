import { z } from 'zod';
import { parseMessage } from '@etcd-compute/common/etcd/messages/parse-message';
import type { Usage } from '../../usage.js';
import type { ServerStore } from '../state/server-store.js';
import type { Server } from '../state/server-record.js';

/** The value at `usage/PROJECT`. It is changed in the txn of what it counts. */
export const usageSchema = z.looseObject({
  version: z.literal(1),
  instances: z.int(),
  cores: z.int(),
  /** In MiB. */
  ram: z.int(),
});

export const NOTHING: Usage = { instances: 0, cores: 0, ram: 0 };

/** What a project uses now. */
export const readUsage = async (
  { etcd, keys }: Pick<ServerStore, 'etcd' | 'keys'>,
  project: string,
): Promise<Usage> => {
  const entry = await etcd.get(keys.usage(project));
  return entry ? parseMessage(usageSchema, entry.key, entry.value) : NOTHING;
};

/** A server between two flavors counts with the larger amounts: it may have either. */
export const usageOf = (server: Server | undefined): Usage => {
  if (!server || server.deleted_at !== null) return NOTHING;
  const { flavor, resize } = server;
  const other = resize?.flavor ?? flavor;
  return {
    instances: 1,
    cores: Math.max(flavor.vcpus, other.vcpus),
    ram: Math.max(flavor.ram_mib, other.ram_mib),
  };
};

/** What a change makes of a project's usage. */
export const changeUsage = (before: Usage, from: Usage, to: Usage): Usage => ({
  instances: before.instances + to.instances - from.instances,
  cores: before.cores + to.cores - from.cores,
  ram: before.ram + to.ram - from.ram,
});
