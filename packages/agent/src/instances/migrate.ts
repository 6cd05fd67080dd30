import { EcomputeError } from '@etcd-compute/common/errors';
import { isPermissionDenied } from '@etcd-compute/common/etcd/errors';
import type { Keys } from '@etcd-compute/common/etcd/keys';
import { listRequested } from '@etcd-compute/common/etcd/list-requested';
import { isDestroyWish, type BootRequest } from '@etcd-compute/common/etcd/messages/boot-request';
import { newLocation, storedLocationSchema } from '@etcd-compute/common/etcd/messages/instance-location';
import type { InstanceRecord } from '@etcd-compute/common/etcd/messages/instance-record';
import { isNotUnderstood, parseMessage } from '@etcd-compute/common/etcd/messages/parse-message';
import type { Entry, Guard, Store, Write } from '@etcd-compute/common/etcd/store';
import { DEFAULT_PROJECT, type InstanceUuid, type ProviderUuid } from '@etcd-compute/common/ids';
import type { Logger } from '@etcd-compute/common/log';
import type { Fence } from '../session/fence.js';
import { readRequest } from './read-record.js';

/*
 * In version 1 of the keys the record of an instance stood at `/instances/<instance>`. It is moved to `/reports/<host>/<instance>` in
 * one txn, which leaves the location of the instance where the record was. So a crash leaves the one or the other.
 *
 * An agent with an etcd user of its own may not read `/instances/`: it has nothing to move, since such users are made after the move.
 */

export interface MigrateDeps {
  readonly store: Store;
  readonly keys: Keys;
  readonly host: ProviderUuid;
  readonly fence: Pick<Fence, 'guard'>;
  readonly log: Logger;
}

/**
 *   moved      read again: the record is below the host now
 *   elsewhere  the instance is on another host
 *   nothing    there is no record of it, as of what the original has booted
 */
export type Migration = 'moved' | 'elsewhere' | 'nothing';

/** To be asked when a boot request has no record. @throws ECOMPUTE_INSTANCE_CHANGED when somebody else wrote in between. */
export const migrateRecord = async (deps: MigrateDeps, request: BootRequest): Promise<Migration> => {
  const { instance } = request;
  const entry = await readUnlessDenied(deps, deps.keys.location(instance));
  if (entry === undefined || entry === 'denied') return 'nothing';
  const stored = parseMessage(storedLocationSchema, entry.key, entry.value);
  if (stored.host !== deps.host) return stored.version === 1 && stored.state === 'deleted' ? 'nothing' : 'elsewhere';
  // The location of an instance whose record is lost; or a deleted one, whose lease ends soon.
  if (stored.version === 2 || stored.state === 'deleted') return 'nothing';
  await move(deps, { entry, record: stored, isEnding: isDestroyWish(request) });
  deps.log.info({ instanceUuid: instance, state: stored.state }, 'record moved to where this version has it');
  return 'moved';
};

/** Moves the records of all instances of this host: before anything counts or judges them. */
export const migrateRecords = async (deps: MigrateDeps): Promise<void> => {
  const { store, keys, host } = deps;
  const { entries: reports } = await store.listKeys(keys.reportsOf(host));
  const reported = new Set(reports.map(({ key }) => keys.parseReport(key)?.instance));
  for (const instance of await listRequested(deps)) {
    if (reported.has(instance)) continue;
    const entry = await store.get(keys.request(host, instance));
    const request = entry && readRequest(entry);
    if (request) await migrateRecord(deps, request).catch(unlessNotUnderstood);
  }
};

/** The reconciler says so, and leaves the instance as it is: one value must not keep the agent from starting. */
const unlessNotUnderstood = (err: unknown): void => {
  if (!isNotUnderstood(err)) throw err;
};

interface Move {
  readonly entry: Entry;
  readonly record: InstanceRecord;
  /** It was asked to be destroyed: nobody needs its location and its name any more. */
  readonly isEnding: boolean;
}

const move = async (deps: MigrateDeps, { entry, record, isEnding }: Move): Promise<void> => {
  const { store, keys, host, fence } = deps;
  const { instance, name, created_at } = record;
  const project = record.project ?? DEFAULT_PROJECT;
  const reportKey = keys.report(host, instance);
  const location = JSON.stringify(newLocation({ instance, host, project, name, created_at }));
  const holder = isEnding ? [] : await freeName(deps, { instance, key: keys.name(project, name ?? instance) });
  const { isCommitted } = await store.txn(
    [
      { key: reportKey, modRevision: '0' },
      { key: entry.key, modRevision: entry.modRevision },
      ...holder.map(({ key }): Guard => ({ key, modRevision: '0' })),
      fence.guard,
    ],
    [
      { op: 'put', key: reportKey, value: JSON.stringify({ ...record, project }) },
      isEnding ? { op: 'delete', key: entry.key } : { op: 'put', key: entry.key, value: location },
      ...holder,
    ],
  );
  if (isCommitted) return;
  throw new EcomputeError(
    'ECOMPUTE_INSTANCE_CHANGED',
    `the record of instance ${instance} changed while it was moved to ${reportKey}`,
    { retryable: true },
  );
};

/** @returns how the name is taken; nothing when another instance has it, which is told by `eschedule audit`. */
const freeName = async (
  { store, log }: MigrateDeps,
  { instance, key }: { instance: InstanceUuid; key: string },
): Promise<Write[]> => {
  const holder = await readUnlessDenied({ store }, key);
  if (holder === undefined) return [{ op: 'put', key, value: JSON.stringify({ version: 1, instance }) }];
  const why = holder === 'denied' ? 'this agent may not write names' : 'another instance has this name';
  log.warn({ instanceUuid: instance, etcdKey: key }, `${why}, the instance is known by its uuid alone`);
  return [];
};

const readUnlessDenied = async (
  { store }: Pick<MigrateDeps, 'store'>,
  key: string,
): Promise<Entry | 'denied' | undefined> => {
  try {
    return await store.get(key);
  } catch (err) {
    if (isPermissionDenied(err)) return 'denied';
    throw err;
  }
};
