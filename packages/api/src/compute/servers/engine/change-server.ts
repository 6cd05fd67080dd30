import { backoff, sleep } from '@etcd-compute/common/async/sleep';
import { EcomputeError } from '@etcd-compute/common/errors';
import type { Entry, Guard, Write } from '@etcd-compute/common/etcd/store';
import { parseMessage } from '@etcd-compute/common/etcd/messages/parse-message';
import { notFound } from '../../../http/http-error.js';
import { limitsIn } from '../../engine/quotas.js';
import type { Usage } from '../../usage.js';
import type { Servers } from '../servers.js';
import { serverSchema, type Server } from '../state/server-record.js';
import { checkQuota } from './quota.js';
import { settle } from './settle.js';
import { changeUsage, NOTHING, usageOf, usageSchema } from './usage.js';

/** What a server is to be. @throws HttpError what does not do as the server is. */
export type Plan = (server: Server) => Server;

interface Planned {
  readonly server: Server;
  readonly guards: readonly Guard[];
  /** None when nothing changes. */
  readonly writes: readonly Write[];
}

export const serverNotFound = (id: string): Error => notFound(`Instance ${id} could not be found.`);

/**
 * Reads a server and plans what it is to be, with the project's usage: for a txn that has more in it.
 *
 * @throws HttpError 404 when there is no such server any more, 403 when its project may not use so much, and what the plan throws.
 */
export const planChange = async (
  servers: Servers,
  { id, project }: Pick<Server, 'id' | 'project'>,
  plan: Plan,
): Promise<Planned> => {
  const { keys, etcd } = servers.store;
  const { entries } = await etcd.getMany([keys.server(project, id), ...usageKeys(servers, project)]);
  const [entry, ...counts] = entries;
  const stored = entry && parseMessage(serverSchema, entry.key, entry.value);
  if (!entry || !stored || stored.deleted_at !== null) throw serverNotFound(id);
  const before = settle(stored, servers.store.report(id));
  const server = plan(before);
  if (server === stored) return { server, guards: [], writes: [] };
  const counted = planUsage(servers, { project, counts, from: usageOf(stored), to: usageOf(server) });
  return {
    server,
    guards: [{ key: entry.key, modRevision: entry.modRevision }, ...counted.guards],
    writes: [{ op: 'put', key: entry.key, value: JSON.stringify(server) }, putChanges(servers), ...counted.writes],
  };
};

export const putChanges = ({ store }: Pick<Servers, 'store'>): Write => ({
  op: 'put',
  key: store.keys.changes,
  value: '',
});

/** What `planUsage` needs to have read. */
export const usageKeys = ({ store: { keys } }: Pick<Servers, 'store'>, project: string): readonly string[] => [
  keys.usage(project),
  ...keys.quotas(project),
];

interface UsageChange {
  readonly project: string;
  /** Of `usageKeys`. */
  readonly counts: readonly (Entry | undefined)[];
  readonly from: Usage;
  readonly to: Usage;
}

/**
 * Nothing is compared or written when nothing that counts changes. What rises is compared with limits as of the same revision, so nobody gets
 * past one that is lowered at the same time.
 *
 * @throws HttpError 403 when it is more than the project may use.
 */
export const planUsage = (
  { store }: Pick<Servers, 'store'>,
  { project, counts, from, to }: UsageChange,
): { guards: readonly Guard[]; writes: readonly Write[] } => {
  const [entry, ...quotas] = counts;
  const key = store.keys.usage(project);
  const before = entry ? parseMessage(usageSchema, entry.key, entry.value) : NOTHING;
  const after = changeUsage(before, from, to);
  const isSame = after.instances === before.instances && after.cores === before.cores && after.ram === before.ram;
  if (isSame) return { guards: [], writes: [] };
  checkQuota(before, after, limitsIn(quotas));
  return {
    guards: usageKeys({ store }, project).map((name, index) => ({
      key: name,
      modRevision: counts[index]?.modRevision ?? '0',
    })),
    writes: [{ op: 'put', key, value: JSON.stringify({ version: 1, ...after }) }],
  };
};

const ATTEMPTS = 20;
const AGAIN_MS = { minMs: 5, maxMs: 300 };

/** Changes a server in one txn. It is planned again when others were faster. @returns it as it is then, and seen by all of this process. */
export const changeServer = async (
  servers: Servers,
  named: Pick<Server, 'id' | 'project'>,
  plan: Plan,
): Promise<Server> => {
  const { etcd, reach } = servers.store;
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    const { server, guards, writes } = await planChange(servers, named, plan);
    if (writes.length === 0) return server;
    const { isCommitted, revision } = await etcd.txn(guards, writes);
    if (isCommitted) {
      await reach(revision);
      return server;
    }
    await sleep(backoff(attempt, AGAIN_MS));
  }
  throw new EcomputeError(
    'ECOMPUTE_INSTANCE_CHANGED',
    `could not change server ${named.id}: others were faster ${ATTEMPTS} times`,
    { details: { instance: named.id }, retryable: true, hint: 'try again' },
  );
};
