import { EcomputeError } from '@etcd-compute/common/errors';
import { isDestroyWish, type BootRequest } from '@etcd-compute/common/etcd/messages/boot-request';
import type { InstanceRecord } from '@etcd-compute/common/etcd/messages/instance-record';
import type { ActionKind, EditKind } from '@etcd-compute/common/wishes/kind';
import { WISH_KINDS, type WishName } from '@etcd-compute/common/wishes/kinds';
import type { Along } from '../placing/along.js';
import type { SeenAgent } from '../hosts/presences.js';
import { describeInstance, type InstanceEntry } from '../instances/instance-entry.js';

export interface NewWish<Name extends WishName = WishName> {
  /** Of the instance's host; undefined when it is down. */
  readonly agent: SeenAgent | undefined;
  readonly kind: Name;
  readonly args: Readonly<Record<string, unknown>>;
  /** What is written together with it. */
  readonly along?: AskAlong | undefined;
}

/** Called before each try to write a wish. @param count of the wish, by which its outcome is known; undefined of an edit. */
export type AskAlong = (entry: InstanceEntry, count: number | undefined) => Promise<Along>;

export interface Asked {
  readonly request: BootRequest;
  readonly record: InstanceRecord;
}

/** @throws EcomputeError when the instance's state does not allow it. */
export const checkMayAsk = (entry: InstanceEntry, name: WishName): Asked => {
  const { instance, host, record, request } = entry;
  const what = `instance ${describeInstance(entry)}`;
  const details = { instance, host };
  if (!request || isDestroyWish(request) || record?.state === 'deleting' || record?.state === 'deleted') {
    const message = `${what} is ${record?.state === 'deleted' ? 'deleted' : 'being destroyed'}`;
    throw new EcomputeError('ECOMPUTE_INSTANCE_UNKNOWN', message, { details });
  }
  if (!record)
    throw new EcomputeError('ECOMPUTE_WISH_REFUSED', `${what} has no record: no agent that knows this wish has it`, {
      details,
      hint: 'the original ecompute only boots and destroys; wait for the agent of its host',
    });
  if (record.state === 'error')
    throw new EcomputeError(
      'ECOMPUTE_INSTANCE_FAILED',
      `${what} is in error: ${record.fault?.message ?? 'no reason'}`,
      { details, hint: 'destroy it, and boot again' },
    );
  const kind: ActionKind | EditKind = WISH_KINDS[name];
  if (!kind.from.includes(record.state))
    throw new EcomputeError(
      'ECOMPUTE_WISH_REFUSED',
      `${what} is ${record.state}, and can be ${kind.participle} only when it is ${kind.from.join(' or ')}`,
      { details: { ...details, state: record.state } },
    );
  if (!(kind.type === 'edit' && kind.ignoresLock)) checkUnlocked(entry);
  return { request, record };
};

/** @throws EcomputeError ECOMPUTE_INSTANCE_LOCKED */
export const checkUnlocked = (entry: InstanceEntry): void => {
  const { instance, request } = entry;
  if (!request?.locked) return;
  const { reason } = request.locked;
  throw new EcomputeError(
    'ECOMPUTE_INSTANCE_LOCKED',
    `instance ${describeInstance(entry)} is locked${reason === '' ? '' : `: ${reason}`}`,
    { details: { instance } },
  );
};

/** A down agent may know more wishes than its last presence: it finds them when it is back. */
export const isKnownBy = (agent: SeenAgent | undefined, kind: string): boolean =>
  !agent || (agent.wishes?.includes(kind) ?? false);

export const tooOldFor = (
  kinds: readonly string[],
  entry: InstanceEntry,
  agent: SeenAgent | undefined,
): EcomputeError => {
  const host = agent?.hostname ?? entry.host;
  return new EcomputeError(
    'ECOMPUTE_HOST_NOT_UPGRADED',
    `could not ${kinds.join(' and ')} instance ${describeInstance(entry)}: the agent of its host ${host} is of a version that cannot`,
    { details: { instance: entry.instance, host: entry.host }, hint: `upgrade ecompute on ${host}` },
  );
};
