import { parseMessage } from '@etcd-compute/common/etcd/messages/parse-message';
import { presenceSchema } from '@etcd-compute/common/etcd/messages/presence';
import type { ProviderUuid } from '@etcd-compute/common/ids';
import type { z } from 'zod';
import type { Cloud } from '../cloud.js';

/** What a scheduler needs of a presence: an agent of another version that says this much is well understood. */
const seenAgentSchema = presenceSchema.pick({
  host: true,
  hostname: true,
  session: true,
  state: true,
  agent_version: true,
  started_at: true,
});
export type SeenAgent = z.output<typeof seenAgentSchema>;

export type Presences = ReadonlyMap<ProviderUuid, SeenAgent>;

/** The agents that are there, by host. A value that is not understood counts as no agent. */
export const listPresences = async ({ store, keys }: Cloud): Promise<Presences> => {
  const { entries } = await (await store()).list(keys.agents);
  const presences = new Map<ProviderUuid, SeenAgent>();
  for (const { key, value } of entries) {
    const host = keys.parseAgent(key);
    const presence = parsePresence(key, value);
    if (host !== undefined && presence) presences.set(host, presence);
  }
  return presences;
};

const parsePresence = (key: string, value: string): SeenAgent | undefined => {
  try {
    return parseMessage(seenAgentSchema, key, value);
  } catch {
    return undefined;
  }
};
