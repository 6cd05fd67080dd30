import { backoff, sleep } from '@etcd-compute/common/async/sleep';
import type { NewAllocation } from '@etcd-compute/common/capacity/capacity';
import { needsAllocation } from '@etcd-compute/common/audit/rules';
import { EcomputeError, formatErrorChain } from '@etcd-compute/common/errors';
import { renderHolder } from '@etcd-compute/common/etcd/messages/name-holder';
import type { Guard } from '@etcd-compute/common/etcd/store';
import { providerUuidSchema, type InstanceUuid, type ProviderUuid } from '@etcd-compute/common/ids';
import type { Services } from '../services.js';
import { moveOn } from '../boot/move-on.js';
import { readInstances, readRecords } from '../instances/instance-entry.js';
import { forgetCopies } from '../shelving/forget-copies.js';
import { renderDestroyWish, renderEnding } from '../wishes/write-destroy.js';
import type { Finding, Mend } from './finding.js';

/**
 *   fixed     it is gone, whoever did it
 *   asked     its host's agent was asked
 *   failed    it is as it was; the words say why, or what to do
 */
export interface Mended {
  readonly state: 'fixed' | 'asked' | 'failed';
  readonly words: string;
}

interface Target {
  readonly services: Services;
  readonly instance: InstanceUuid;
  readonly host: ProviderUuid;
}

/** It takes a moment. */
const FORGET_MS = 10_000;

const FIXED = { state: 'fixed' } as const;
const CHANGED: Mended = { state: 'failed', words: 'it changed in this moment; audit again' };
const GONE: Mended = { ...FIXED, words: 'it was no more' };

/** May be repeated, and run by several at once: each write carries the guard of what was seen. */
export const mend = async (services: Services, finding: Finding): Promise<Mended> => {
  try {
    return await tryMend(services, finding);
  } catch (err) {
    // A failure is reported, and does not stop the others.
    if (err instanceof EcomputeError) return { state: 'failed', words: formatErrorChain(err) };
    throw err;
  }
};

const tryMend = async (services: Services, { mend: how, instance, host }: Finding): Promise<Mended> => {
  if (how.by === 'person') return { state: 'failed', words: how.hint };
  if (how.by === 'delete') return deleteKeys(services, how);
  if (how.by === 'forget-copy') return forgetCopy(services, how);
  // Only keys can be without an instance or a host.
  if (instance === null || host === null) return CHANGED;
  const target = { services, instance, host };
  if (how.by === 'name') return giveName(target, how);
  if (how.by === 'move-on') return moveToAnotherHost(target);
  if (how.by === 'release') return release(target, how);
  return how.by === 'allocate' ? allocateAgain(target, how) : writeWish(target, how);
};

type By<K extends Mend['by']> = Extract<Mend, { by: K }>;

const deleteKeys = async (services: Services, { keys, guards }: By<'delete'>): Promise<Mended> => {
  const store = await services.store();
  const { isCommitted } = await store.txn(
    guards,
    keys.map((key) => ({ op: 'delete', key })),
  );
  if (isCommitted) return { ...FIXED, words: `removed ${keys[0]}` };
  const { entries } = await store.getMany(keys);
  return entries.every((entry) => entry === undefined) ? GONE : CHANGED;
};

/** Checks again right before: the allocation is unchanged, and there is still no request for it. */
const release = async ({ services, instance, host }: Target, { held }: By<'release'>): Promise<Mended> => {
  const [capacity, store] = await Promise.all([services.capacity(), services.store()]);
  const now = await capacity.read(instance);
  if (Object.keys(now.allocations).length === 0) return GONE;
  const isSame = now.generation === held.generation && now.since?.getTime() === held.since?.getTime();
  // An instance's host is one of the providers that it holds something on.
  const providers = Object.keys(now.allocations).map((provider) => providerUuidSchema.parse(provider));
  const { entries } = await store.getMany(providers.map((provider) => services.keys.request(provider, instance)));
  const isShelved = (await readRecords(services, [{ instance, host }]))[0]?.state === 'shelved';
  const isRequested = !isShelved && entries.some((entry) => entry !== undefined);
  if (!isSame || isRequested) return CHANGED;
  if ((await capacity.release(instance, now)) === 'changed') return CHANGED;
  return { ...FIXED, words: `released on host ${host}` };
};

/** @returns the guard of the request, while it needs an allocation. */
const findNeed = async ({ services, instance, host }: Target): Promise<Guard | undefined> => {
  const [entry] = await readInstances(services, [{ instance, host }]);
  const isNeeded = entry?.request !== undefined && needsAllocation(entry.request, entry.record, host);
  return isNeeded ? { key: services.keys.request(host, instance), modRevision: entry.requestRevision } : undefined;
};

/** Each time somebody else has allocated or released on the host. */
const ALLOCATE_ATTEMPTS = 20;
const AGAIN_MS = { minMs: 5, maxMs: 500 };

/**
 * Takes the room of a request that has none, where the capacity can in a transaction that compares the request.
 *
 * @returns why there is none; `gone` when there is no need any more.
 */
const takeRoom = async (target: Target, wanted: NewAllocation): Promise<'taken' | 'gone' | Error> => {
  const capacity = await target.services.capacity();
  for (let attempt = 1; attempt <= ALLOCATE_ATTEMPTS; attempt += 1) {
    const need = await findNeed(target);
    if (!need) return 'gone';
    const result = await capacity.allocate([wanted]);
    if (result.outcome !== 'allocated') return result.err;
    const { guards, writes } = result.claim;
    if (await capacity.settle({ guards: [...guards, need], writes })) return 'taken';
    await sleep(backoff(attempt, AGAIN_MS));
  }
  return new Error(`others keep changing host ${target.host}`);
};

/**
 * Allocates what the request asks for. When the instance is destroyed in the same moment, its agent may have looked for an allocation
 * before this one was made: then it is taken back here.
 */
const allocateAgain = async (target: Target, { request }: By<'allocate'>): Promise<Mended> => {
  const { services, instance, host } = target;
  const capacity = await services.capacity();
  const allocations = Object.fromEntries(
    Object.entries(request.allocations).map(([provider, { resources }]) => [provider, { resources }]),
  );
  const taken = await takeRoom(target, {
    instance,
    allocations,
    userId: request.user_id ?? services.user,
    projectId: request.project_id ?? services.project,
  });
  if (taken === 'gone') return GONE;
  const held = await capacity.read(instance);
  const isHeld = Object.keys(held.allocations).some((provider) => provider.toLowerCase() === host);
  if (!isHeld)
    return {
      state: 'failed',
      words:
        taken instanceof Error
          ? `${taken.message}; destroy it, or make room on its host and audit again`
          : 'it was released again in this moment; audit again',
    };
  if (await findNeed(target)) return { ...FIXED, words: `allocated again on host ${host}` };
  return (await capacity.release(instance, held)) === 'released' ? GONE : CHANGED;
};

/** Writes a destroy request where there is no request: the agent then deletes whatever it has of the instance. */
const writeWish = async ({ services, instance, host }: Target, { guard }: By<'wish'>): Promise<Mended> => {
  const [capacity, store] = await Promise.all([services.capacity(), services.store()]);
  const held = await capacity.read(instance);
  const [entry] = await readInstances(services, [{ instance, host }]);
  const key = services.keys.request(host, instance);
  const { isCommitted } = await store.txn(
    [{ key, modRevision: '0' }, guard],
    [
      { op: 'put', key, value: JSON.stringify(renderDestroyWish({ instance }, { held, before: undefined })) },
      ...(entry?.host === host ? renderEnding(services, entry) : []),
    ],
  );
  return isCommitted ? { state: 'asked', words: 'its agent removes it' } : CHANGED;
};

const forgetCopy = async (services: Services, { copy, project }: By<'forget-copy'>): Promise<Mended> => {
  const [error] = await forgetCopies(services, { copies: [copy], project, waitMs: FORGET_MS });
  return error ? { state: 'failed', words: formatErrorChain(error) } : { ...FIXED, words: 'its host has forgotten it' };
};

const moveToAnotherHost = async ({ services, instance, host }: Target): Promise<Mended> => {
  const result = await moveOn(services, { instance, host });
  if (result.outcome === 'moved') return { ...FIXED, words: result.record.transitions.at(-1)?.reason ?? 'moved on' };
  if (result.outcome !== 'no-host') return CHANGED;
  const why = result.dropped.map(({ host: other, reason }) => `${other}: ${reason}`);
  return { state: 'failed', words: ['no other host has room for it', ...why].join('; ') };
};

const giveName = async ({ services, instance }: Target, { key, guards }: By<'name'>): Promise<Mended> => {
  const store = await services.store();
  const { isCommitted } = await store.txn(
    [{ key, modRevision: '0' }, ...guards],
    [{ op: 'put', key, value: renderHolder(instance) }],
  );
  return isCommitted ? { ...FIXED, words: `wrote ${key}` } : CHANGED;
};
