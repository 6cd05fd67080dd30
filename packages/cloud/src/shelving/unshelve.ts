import type { Resources } from '@etcd-compute/common/capacity/capacity';
import { renderQuery } from '@etcd-compute/common/capacity/want';
import { EcomputeError, toError } from '@etcd-compute/common/errors';
import { isDestroyWish, type BootRequest } from '@etcd-compute/common/etcd/messages/boot-request';
import { isBuilt, isFailedBuild, type InstanceRecord } from '@etcd-compute/common/etcd/messages/instance-record';
import type { Shelved } from '@etcd-compute/common/etcd/messages/shelved';
import { DEFAULT_PROJECT, type ProviderUuid } from '@etcd-compute/common/ids';
import { explainBoots } from '../boot/boot-errors.js';
import { relocate } from '../boot/relocate.js';
import { waitForBoot, type BootProgress } from '../boot/wait-for-boot.js';
import { readPresences } from '../hosts/presences.js';
import { closeSomeBooks } from '../instances/books.js';
import { findInstances } from '../instances/find-instance.js';
import { describeInstance, readInstances, type InstanceEntry } from '../instances/instance-entry.js';
import { viewOfRecord } from '../instances/view.js';
import type { Binding } from '../placing/along.js';
import { noHostError } from '../placing/no-host.js';
import { run, type Run, type RunOptions } from '../run.js';
import { toStrategy } from '../selection/strategies.js';
import type { Services } from '../services.js';
import type { Changed } from '../wishes/ask.js';
import { checkUnlocked } from '../wishes/check-may-ask.js';
import { forgetCopies } from './forget-copies.js';
import { wantAgain } from './want-again.js';

export interface UnshelveOptions extends RunOptions, Binding {
  /** How long to wait until they are built. Undefined: return when they have hosts; their copies then stay until an audit removes them. */
  readonly waitMs?: number | undefined;
}

/** It has room on a host, and is built there. */
export interface Unshelved {
  readonly record: InstanceRecord;
  readonly shelved: Shelved;
  readonly project: string;
}

/**
 * Has shelved instances built again from their copies, on hosts that have room: the one that they were on or another. All are looked up
 * before any is touched.
 *
 * One whose build fails is moved on as any other, and its copies stay until it is built: it may also be unshelved again.
 *
 * @throws EcomputeError when one is unknown or not shelved; what else goes wrong is in the result.
 */
export const unshelve = async (
  services: Services,
  uuidsOrNames: readonly string[],
  { waitMs, refuses, along, ...options }: UnshelveOptions = {},
): Promise<Changed> =>
  run(options, async (running) => {
    const entries = await findInstances(services, uuidsOrNames);
    for (const entry of entries) checkShelved(entry);
    const unshelved: Unshelved[] = [];
    const errors: Error[] = [];
    for (const entry of entries)
      try {
        unshelved.push(await running.guard(async () => giveHost(services, entry, { refuses, along })));
      } catch (err) {
        running.signal.throwIfAborted();
        errors.push(toError(err));
      }
    const hostNames = await announce(services, unshelved, running);
    const waited =
      waitMs === undefined ? [] : await waitUntilBuilt(services, { unshelved, hostNames, waitMs }, running);
    await closeSomeBooks(services);
    const latest = await readInstances(
      services,
      unshelved.map(({ record }) => record),
    );
    const records = unshelved.map(({ record }, index) => latest[index]?.record ?? record);
    return {
      instances: records.map((record) => viewOfRecord(record, (host) => hostNames.get(host) ?? null)),
      errors: [...errors, ...waited],
    };
  });

/** Reports where they come back. @returns the names of these hosts. */
export const announce = async (
  services: Services,
  unshelved: readonly Unshelved[],
  { emit }: Pick<Run, 'emit'>,
): Promise<Map<ProviderUuid, string>> => {
  const presences = await readPresences(
    services,
    unshelved.map(({ record }) => record.host),
  );
  const hostNames = new Map([...presences].map(([host, { hostname }]) => [host, hostname]));
  for (const { record } of unshelved) {
    const { instance, name, host } = record;
    emit({ type: 'unshelving', instance, name, host, hostName: hostNames.get(host) ?? null });
  }
  return hostNames;
};

interface Shelf extends InstanceEntry {
  readonly request: BootRequest & { readonly shelved: Shelved };
  readonly record: InstanceRecord;
}

/** @throws EcomputeError when it is not shelved, nor on its way back. */
const checkShelved = (entry: InstanceEntry): Shelf => {
  const { instance, host, request, record } = entry;
  checkUnlocked(entry);
  const { shelved } = request ?? {};
  if (request && shelved && record && !isDestroyWish(request))
    return { ...entry, request: { ...request, shelved }, record };
  throw new EcomputeError(
    'ECOMPUTE_WISH_REFUSED',
    `instance ${describeInstance(entry)} is ${record?.state ?? 'without a record'}, and can be unshelved only when it is shelved`,
    { details: { instance, host } },
  );
};

/** It holds nothing, and nothing is done about it. */
const isIdle = ({ request, record }: InstanceEntry): boolean =>
  request?.shelved !== undefined && record !== undefined && (record.state === 'shelved' || isFailedBuild(record));

/** How often others may be quicker before we give up. */
const ATTEMPTS = 5;

export interface GiveHostOptions extends Binding {
  /** What it is to have another amount of from now on. */
  readonly changed?: Resources;
}

/**
 * Gives a shelved instance a host, unless somebody else is quicker. Repeatable.
 *
 * @throws EcomputeError ECOMPUTE_NO_CANDIDATES with the reason of each host, ECOMPUTE_WISH_REFUSED when it is not shelved, and what etcd and
 *   Placement say; the instance is then as it was.
 */
export const giveHost = async (
  services: Services,
  found: InstanceEntry,
  { changed, refuses, along }: GiveHostOptions = {},
): Promise<Unshelved> => {
  let entry = checkShelved(found);
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    const { request, record } = entry;
    const { shelved } = request;
    const project = request.project_id ?? DEFAULT_PROJECT;
    if (!isIdle(entry)) return { record, shelved, project };
    const { want, resources } = wantAgain(request, changed);
    const result = await relocate(services, {
      entry,
      want,
      strategy: toStrategy(request.retry?.strategy ?? ''),
      resources,
      excluded: [],
      refuses,
      along,
      request: {
        ...request,
        ...(request.retry && { retry: { ...request.retry, query: renderQuery(want), failed_hosts: [] } }),
      },
      // Where it goes it has had no guest: a build that fails there may be moved on.
      changes: { boot_id: null, nics: request.nics ? [...request.nics] : null },
      reason: (to) => `unshelved on ${to}`,
      isWanted: isIdle,
    });
    if (result.outcome === 'moved') return { record: result.record, shelved, project };
    if (result.outcome === 'no-host')
      throw await noHostError({ services, want, dropped: result.dropped, asked: 1, unplaced: 1 });
    const [now] = await readInstances(services, [entry]);
    // Somebody else was quicker, and is through with it.
    if (now?.record && isBuilt(now.record) && !now.request?.shelved) return { record: now.record, shelved, project };
    entry = checkShelved(now ?? found);
  }
  const { instance, host } = entry;
  throw new EcomputeError(
    'ECOMPUTE_INSTANCE_CHANGED',
    `could not unshelve instance ${instance}: others keep changing it`,
    {
      details: { instance, host },
      retryable: true,
      hint: 'try again',
    },
  );
};

export interface WaitUntilBuiltOptions {
  readonly unshelved: readonly Unshelved[];
  readonly hostNames: Map<ProviderUuid, string>;
  readonly waitMs: number;
}

/** Waits until they are built, and removes the copies of those that are. @returns why the others are not. */
export const waitUntilBuilt = async (
  services: Services,
  { unshelved, hostNames, waitMs }: WaitUntilBuiltOptions,
  running: Run,
): Promise<Error[]> => {
  const boots = unshelved.map(({ record }): BootProgress => ({ spec: record, record, end: undefined, otherHosts: [] }));
  await waitForBoot(services, { hostNames, boots, timeoutMs: waitMs, tellsDownloads: false }, running);
  const { signal } = running;
  for (const [index, { shelved, project }] of unshelved.entries())
    if (boots[index]?.end === 'up')
      await forgetCopies(services, { copies: shelved.copies, project, waitMs: FORGET_MS, signal });
  return explainBoots(services, { boots, hostNames, timeoutMs: waitMs });
};

/** They are gone in a moment, or an audit removes them. */
const FORGET_MS = 10_000;
