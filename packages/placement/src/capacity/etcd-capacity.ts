import { backoff, sleep } from '@etcd-compute/common/async/sleep';
import { createTurns } from '@etcd-compute/common/async/turns';
import { toCandidate } from '@etcd-compute/common/capacity/candidate';
import type { Allocations, Capacity, Claim, Held } from '@etcd-compute/common/capacity/capacity';
import { EcomputeError } from '@etcd-compute/common/errors';
import type { Keys } from '@etcd-compute/common/etcd/keys';
import type { Store } from '@etcd-compute/common/etcd/store';
import { instanceUuidSchema, providerUuidSchema, type InstanceUuid } from '@etcd-compute/common/ids';
import type { ConsumerRequest } from '../engine/allocations/consumer-request.js';
import { replaceAllocations } from '../engine/allocations/replace-allocations.js';
import { summariesOf } from '../engine/candidates/summaries.js';
import { checkRequestNames } from '../engine/check-names.js';
import type { Draft } from '../engine/draft.js';
import { deleteProvider } from '../engine/providers/delete-provider.js';
import { Refusal } from '../engine/refusal.js';
import { HttpError } from '../http/http-error.js';
import type { Amounts, Consumer, Provider, ProviderUsage } from '../model/entities.js';
import { keyOf, prefixOf } from '../model/keys.js';
import { checkFormat, ensureFormat } from '../store/format.js';
import { branchOf, claimOf } from './claims.js';
import { decide, look } from './decide.js';
import { findInWindows } from './find-in-windows.js';
import { PartialIndex } from './partial-index.js';
import { parseWant } from './parse-want.js';
import { publish } from './publish.js';
import { listHolders, readKeys, readPrefix, type Room } from './read-into.js';

/** The consumer type of our instances. */
const CONSUMER_TYPE = 'INSTANCE';
/** Each time somebody else is through, so this is for a host on which very many come and go at once. */
const ATTEMPTS = 30;
const AGAIN_MS = { minMs: 5, maxMs: 500 };

export interface EtcdCapacityOptions {
  /** Stays the caller's. */
  readonly store: Store;
  readonly keys: Pick<Keys, 'placement'>;
}

/**
 * Capacity that is counted in the same etcd as everything else, by the rules of Placement and with its keys. What is allocated and released
 * takes effect with the transaction that its claim is part of. Each decision reads only what it needs.
 */
export const createEtcdCapacity = ({ store, keys }: EtcdCapacityOptions): Capacity => {
  const room: Room = { store, prefix: keys.placement };
  const inTurn = createTurns();

  const readOne = async (uuid: string): Promise<{ provider: Provider | undefined; usage: ProviderUsage }> => {
    const index = new PartialIndex();
    await readKeys(room, index, [keyOf('provider', uuid)]);
    return { provider: index.provider(uuid), usage: index.usage(uuid) };
  };
  const findConsumer = async (uuid: string): Promise<Consumer | undefined> => {
    const index = new PartialIndex();
    await readKeys(room, index, [keyOf('consumer', uuid)]);
    return index.consumer(uuid);
  };

  /** Plans and commits a transaction of its own. @throws Refusal. */
  const write = async <T>(plan: (draft: Draft) => T, what: string): Promise<T> => {
    for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
      const decision = await decide(room, plan);
      const branch = branchOf(decision.plan, room.prefix);
      if (branch.writes.length === 0) return decision.result;
      await ensureFormat(store, room.prefix);
      if ((await store.transact(branch)).isCommitted) return decision.result;
      await sleep(backoff(attempt, AGAIN_MS));
    }
    throw new EcomputeError('ECOMPUTE_PLACEMENT_CONFLICT', `could not ${what}: it keeps changing`, {
      retryable: true,
      hint: 'try again',
    });
  };

  const plan = async (requests: readonly ConsumerRequest[]): Promise<Claim> =>
    claimOf((await decide(room, (draft) => replaceAllocations(draft, requests), keysOf(requests))).plan, room.prefix);

  /** @param held what it must hold still; undefined: anything. */
  const nothingFor = (consumer: InstanceUuid, held?: Held): ConsumerRequest => ({
    uuid: consumer,
    project: held?.projectId ?? '',
    user: held?.userId ?? '',
    type: undefined,
    generation: held?.generation,
    allocations: {},
  });

  return {
    endpoint: `etcd ${store.endpoints}`,
    isTransactional: true,
    settle: async ({ guards, writes }) =>
      writes.length === 0 || (await store.transact({ when: guards, writes })).isCommitted,
    inTurn,
    candidates: async (want, limit) => {
      const request = await named('find candidates', async () => {
        const parsed = parseWant(want, limit);
        await look(room, (view) => checkRequestNames(view, parsed));
        return parsed;
      });
      const { candidates, view } = await findInWindows(room, request);
      const summaries = summariesOf(view, candidates, { onlyUsed: false });
      return {
        candidates: candidates.flatMap(({ allocations, mappings }) => {
          const given = Object.fromEntries([...allocations].map(([uuid, resources]) => [uuid, { resources }]));
          return toCandidate({ allocations: given, mappings: Object.fromEntries(mappings) }) ?? [];
        }),
        rooms: new Map([...summaries].map(([uuid, { resources }]) => [uuid, resources])),
      };
    },
    allocate: async (requests) =>
      tryTo('allocate', async () =>
        plan(
          requests.map(({ instance, allocations, userId, projectId }) => ({
            uuid: instance,
            project: projectId,
            user: userId,
            type: CONSUMER_TYPE,
            generation: null,
            allocations: amountsOf(allocations),
          })),
        ),
      ),
    reallocate: async (consumer, { held, allocations }) => {
      const request = { ...nothingFor(consumer, held), type: CONSUMER_TYPE, allocations: amountsOf(allocations) };
      const result = await tryTo(`allocate anew for instance ${consumer}`, async () => plan([request]));
      return result.outcome === 'busy' ? { outcome: 'changed' } : result;
    },
    read: async (consumer) => toHeld(await findConsumer(consumer)),
    release: async (consumer, held) => {
      try {
        await write((draft) => replaceAllocations(draft, [nothingFor(consumer, held)]), `release instance ${consumer}`);
        return 'released';
      } catch (thrown) {
        if (held && isConflict(thrown)) return 'changed';
        throw toError(thrown, `release the allocations of instance ${consumer}`);
      }
    },
    releaseWith: async (consumer) => plan([nothingFor(consumer)]),
    consumersOn: async (host) => {
      const index = new PartialIndex();
      const uuids = await listHolders(room, host);
      await readKeys(
        room,
        index,
        uuids.map((uuid) => keyOf('consumer', uuid)),
      );
      return new Map(
        uuids.flatMap((uuid) => {
          const consumer = instanceUuidSchema.safeParse(uuid).data;
          const resources = index.consumer(uuid)?.allocations[host];
          return consumer === undefined || !resources ? [] : [[consumer, resources] as const];
        }),
      );
    },
    now: async () => new Date(),
    // An agent asks before it knows whether this is its etcd.
    check: async () => void (await checkFormat(store, room.prefix)),
    hosts: async () => {
      const index = new PartialIndex();
      await readPrefix(room, index, prefixOf('provider'));
      return [...index.providers()].map(({ uuid, name }) => ({ uuid: providerUuidSchema.parse(uuid), name }));
    },
    describeHost: async (host) => {
      const { provider, usage } = await readOne(host);
      const { inventories = {}, traits = [], aggregates = [] } = provider ?? {};
      const usages = Object.keys(inventories).map((name) => [name, usage.used[name] ?? 0]);
      return { inventories, usages: Object.fromEntries(usages), traits, aggregates };
    },
    generationOf: async (host) => {
      const { provider, usage } = await readOne(host);
      return provider && usage.generation;
    },
    publish: async (host, offer) => {
      const what = `publish host ${host}`;
      return named(what, async () => write((draft) => publish(draft, host, offer), what));
    },
    remove: async (host) => {
      try {
        await write((draft) => deleteProvider(draft, host), `remove resource provider ${host}`);
        return 'removed';
      } catch (thrown) {
        if (thrown instanceof Refusal && thrown.kind === 'not-found') return 'removed';
        if (isConflict(thrown)) return 'in-use';
        throw toError(thrown, `remove resource provider ${host}`);
      }
    },
    close: () => undefined,
  };
};

/** What is looked at in any case. */
const keysOf = (requests: readonly ConsumerRequest[]): readonly string[] =>
  requests.flatMap(({ uuid, type, allocations }) => [
    keyOf('consumer', uuid),
    ...(type === undefined ? [] : [keyOf('type', type)]),
    ...Object.keys(allocations).map((provider) => keyOf('usage', provider)),
  ]);

const amountsOf = (allocations: Allocations): Readonly<Record<string, Amounts>> =>
  Object.fromEntries(
    Object.entries(allocations).map(([provider, { resources }]) => [provider.toLowerCase(), resources]),
  );

const toHeld = (consumer: Consumer | undefined): Held => ({
  allocations: Object.fromEntries(
    Object.entries(consumer?.allocations ?? {}).map(([provider, resources]) => [provider, { resources }]),
  ),
  generation: consumer?.generation ?? null,
  userId: consumer?.user,
  projectId: consumer?.project,
  consumerType: consumer && (consumer.type ?? 'unknown'),
  since: new Date(consumer?.updatedAt ?? Date.now()),
});

const isConflict = (thrown: unknown): boolean => thrown instanceof Refusal && thrown.kind === 'conflict';

type Tried =
  | { readonly outcome: 'allocated'; readonly claim: Claim }
  | { readonly outcome: 'no-room' | 'busy'; readonly err: Error };

/** @param what completes "could not …". A conflict is an answer: `busy` for another generation, `no-room` for the rest. */
const tryTo = async (what: string, claim: () => Promise<Claim>): Promise<Tried> => {
  try {
    return { outcome: 'allocated', claim: await claim() };
  } catch (thrown) {
    if (!(thrown instanceof Refusal && thrown.kind === 'conflict')) throw toError(thrown, what);
    const err = new EcomputeError('ECOMPUTE_PLACEMENT_CONFLICT', `could not ${what}: ${thrown.message}`, {
      retryable: true,
    });
    return { outcome: thrown.code === 'placement.concurrent_update' ? 'busy' : 'no-room', err };
  }
};

const CODES = {
  conflict: 'ECOMPUTE_PLACEMENT_CONFLICT',
  'not-found': 'ECOMPUTE_PLACEMENT_NOT_FOUND',
  'bad-request': 'ECOMPUTE_PLACEMENT_REFUSED',
  forbidden: 'ECOMPUTE_PLACEMENT_REFUSED',
} as const;

const toError = (thrown: unknown, what: string): unknown => {
  if (thrown instanceof Refusal) return new EcomputeError(CODES[thrown.kind], `could not ${what}: ${thrown.message}`);
  // Of those there are only queries that cannot be understood.
  if (thrown instanceof HttpError)
    return new EcomputeError('ECOMPUTE_PLACEMENT_REFUSED', `could not ${what}: ${thrown.message}`);
  return thrown;
};

/** @param what completes "could not …". */
const named = async <T>(what: string, run: () => Promise<T>): Promise<T> => {
  try {
    return await run();
  } catch (thrown) {
    throw toError(thrown, what);
  }
};
