import { EcomputeError } from '@etcd-compute/common/errors';
import { parseMessage } from '@etcd-compute/common/etcd/messages/parse-message';
import { presenceSchema } from '@etcd-compute/common/etcd/messages/presence';
import type { Entry } from '@etcd-compute/common/etcd/store';
import type { ProviderUuid } from '@etcd-compute/common/ids';
import type { z } from 'zod';
import type { Services } from '../services.js';

/** What a scheduler needs of a presence: an agent of another version that says this much is well understood. */
const seenAgentSchema = presenceSchema.pick({
  host: true,
  hostname: true,
  session: true,
  state: true,
  trouble: true,
  drain: true,
  agent_version: true,
  layout: true,
  wishes: true,
  members: true,
  networks: true,
  started_at: true,
});
export type SeenAgent = z.output<typeof seenAgentSchema>;

/** The agents that are there, by host. A value that is not understood counts as no agent. */
export type Presences = ReadonlyMap<ProviderUuid, SeenAgent>;

/** Those of some hosts, which costs the same in a cloud of any size. */
export const readPresences = async (
  { store, keys }: Pick<Services, 'store' | 'keys'>,
  hosts: Iterable<ProviderUuid>,
): Promise<Presences> => {
  const wanted = [...new Set(hosts)];
  if (wanted.length === 0) return new Map();
  const { entries } = await (await store()).getMany(wanted.map((host) => keys.agent(host)));
  return new Map(entries.flatMap((entry) => (entry ? seenAgentOf({ keys }, entry) : [])));
};

/** The same to explain a delay: undefined when etcd is away, because the delay is still what has to be reported. */
export const readPresencesIfPossible = async (
  services: Pick<Services, 'store' | 'keys'>,
  hosts: Iterable<ProviderUuid>,
): Promise<Presences | undefined> => {
  try {
    return await readPresences(services, hosts);
  } catch (err) {
    if (err instanceof EcomputeError) return undefined;
    throw err;
  }
};

/** Those of all hosts. */
export const listPresences = async ({ store, keys }: Services): Promise<Presences> => {
  const { entries } = await (await store()).list(keys.agents, (entry) => seenAgentOf({ keys }, entry));
  return new Map(entries.flat());
};

const seenAgentOf = ({ keys }: Pick<Services, 'keys'>, { key, value }: Entry): [ProviderUuid, SeenAgent][] => {
  const host = keys.parseAgent(key);
  if (host === undefined) return [];
  try {
    return [[host, parseMessage(seenAgentSchema, key, value)]];
  } catch {
    return [];
  }
};
