import { setTimeout as sleep } from 'node:timers/promises';
import pLimit from 'p-limit';
import type { ApiStage } from './stage.js';

const SERVERS = '/compute/v2.1/servers';
const LOOK_EVERY_MS = 50;
const DEADLINE_MS = 300_000;

export interface CreateFigures {
  /** Until the last was answered, and until the last was ACTIVE, in seconds. */
  readonly answered: number;
  readonly active: number;
  /** From the request to ACTIVE as a list shows it, of each, in seconds. */
  readonly each: readonly number[];
}

interface Listed {
  readonly id: string;
  readonly status: string;
}

const list = async ({ client }: ApiStage): Promise<readonly Listed[]> => {
  const { text } = await client.send('GET', `${SERVERS}/detail?limit=1000`);
  return JSON.parse(text).servers;
};

/** @throws Error when one of them failed. */
export const createServers = async (
  stage: ApiStage,
  { count, clients }: { readonly count: number; readonly clients: number },
): Promise<CreateFigures> => {
  const { client, flavor, image } = stage;
  const limit = pLimit(clients);
  const startedAt = performance.now();
  const asked = new Map<string, number>();
  const create = async (index: number): Promise<void> => {
    const at = performance.now();
    const server = { name: `bench-${index}`, flavorRef: flavor, imageRef: image };
    const { text } = await client.send('POST', SERVERS, { server });
    asked.set(String(JSON.parse(text).server.id), at);
  };
  const createAll = async (): Promise<number> => {
    await Promise.all(Array.from({ length: count }, async (_, index) => limit(async () => create(index))));
    return (performance.now() - startedAt) / 1000;
  };
  const creating = createAll();
  const active = new Map<string, number>();
  while (active.size < count) {
    if (performance.now() - startedAt > DEADLINE_MS) throw new Error(`${active.size} of ${count} are ACTIVE`);
    // What fails to be created ends the wait.
    await Promise.race([sleep(LOOK_EVERY_MS), creating.then(async () => sleep(LOOK_EVERY_MS))]);
    for (const { id, status } of await list(stage)) {
      if (status === 'ERROR') throw new Error(`server ${id} is in ERROR`);
      if (status === 'ACTIVE' && !active.has(id)) active.set(id, performance.now());
    }
  }
  const answered = await creating;
  const each = [...active].map(([id, at]) => (at - (asked.get(id) ?? startedAt)) / 1000);
  return { answered, active: (Math.max(...active.values()) - startedAt) / 1000, each };
};

export const deleteServers = async (stage: ApiStage): Promise<void> => {
  const limit = pLimit(8);
  const there = await list(stage);
  await Promise.all(there.map(async ({ id }) => limit(async () => stage.client.send('DELETE', `${SERVERS}/${id}`))));
  const until = performance.now() + DEADLINE_MS;
  while ((await list(stage)).length > 0) {
    if (performance.now() > until) throw new Error('servers that were deleted are still there');
    await sleep(LOOK_EVERY_MS * 4);
  }
};

/** Keys for each transaction: etcd takes 128 operations. */
const AT_ONCE = 100;

/** Writes what etcd has of a server once more for each of so many others. Their hosts must not look. */
export const copyServer = async ({ store }: ApiStage, id: string, count: number): Promise<void> => {
  const { entries } = await store.list('/');
  const own = entries.filter(({ key, value }) => key.includes(id) && value !== '');
  const writes = Array.from({ length: count }, () => crypto.randomUUID()).flatMap((uuid) =>
    own.map(({ key, value }) => ({
      op: 'put' as const,
      key: key.replaceAll(id, uuid),
      value: value.replaceAll(id, uuid),
    })),
  );
  for (let index = 0; index < writes.length; index += AT_ONCE) {
    const part = writes.slice(index, index + AT_ONCE);
    await store.txn([{ key: part[0]?.key ?? '', modRevision: '0' }], part);
  }
  const changes = entries.find(({ key }) => key.endsWith('/servers/changes'));
  if (!changes) throw new Error('etcd has no key that changes with the servers');
  // As every write of eapi: a list waits until it has seen this.
  await store.txn([changes], [{ op: 'put', key: changes.key, value: changes.value }]);
};

/** @returns how long each page took, in ms, of a whole list. */
export const listByPages = async ({ client }: ApiStage, query = ''): Promise<number[]> => {
  const times: number[] = [];
  for (let marker = ''; ;) {
    const startedAt = performance.now();
    const { text } = await client.send('GET', `${SERVERS}/detail?limit=1000${query}${marker && `&marker=${marker}`}`);
    times.push(performance.now() - startedAt);
    const page: readonly Listed[] = JSON.parse(text).servers;
    if (page.length < 1000) return times;
    marker = page.at(-1)?.id ?? '';
  }
};
