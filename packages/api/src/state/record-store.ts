import { jitter, sleep } from '@etcd-compute/common/async/sleep';
import { EcomputeError } from '@etcd-compute/common/errors';
import { openMirror, type MirrorIndex } from '@etcd-compute/common/etcd/mirror';
import type { Entry, Store, Write } from '@etcd-compute/common/etcd/store';
import type { Logger } from '@etcd-compute/common/log';
import pLimit from 'p-limit';
import { createDraft, type Draft, type DraftWrite } from './draft.js';
import { createRecordKeys, type RecordKeys } from './keys.js';
import type { Kinds } from './kinds.js';
import type { Unreadable } from './record-index.js';
import type { View } from './view.js';

/** A service's records in etcd, and a copy of them here. Any number of processes may have one at the same time. */
export interface RecordStore<R, V extends View<R> = View<R>> extends AsyncDisposable {
  readonly keys: RecordKeys;
  /** As of the last look or write. */
  readonly view: () => V;
  /** Resolves when all that was written before the call is in the view. @returns what these keys hold, as of then. */
  readonly look: (keys?: readonly string[]) => Promise<readonly (Entry | undefined)[]>;
  /**
   * Plans a write and commits it as one transaction. It is planned again when others were faster.
   *
   * @param plan pure: it may be called several times. What it throws is thrown when nothing was written since it has read.
   * @throws EcomputeError ECOMPUTE_ETCD_*; when the reply was lost, it may have been written.
   */
  readonly write: <T>(plan: (draft: Draft<R, V>) => T) => Promise<T>;
}

export interface RecordStoreOptions<R, I extends View<R> & MirrorIndex> {
  readonly kinds: Kinds<R>;
  /** Makes an empty one. */
  readonly createIndex: (onUnreadable: (unreadable: Unreadable) => void) => I;
  /** Stays its owner's to close. */
  readonly etcd: Store;
  /** Of the keys of all records; ends with a slash, and nothing else is below it. */
  readonly prefix: string;
  readonly log: Logger;
  /** How long to wait for what etcd has to tell. */
  readonly deadlineMs?: number;
}

const DEADLINE_MS = 10_000;
const MAX_ATTEMPTS = 20;
const PAUSE_MS = 5;

/** @throws what etcd says, when the first copy cannot be made. */
export const openRecordStore = async <R, I extends View<R> & MirrorIndex>({
  kinds,
  createIndex,
  etcd,
  prefix,
  log,
  deadlineMs = DEADLINE_MS,
}: RecordStoreOptions<R, I>): Promise<RecordStore<R, I>> => {
  const keys = createRecordKeys(prefix);
  const mirror = await openMirror({
    createIndex: () =>
      createIndex(({ key, reason }) =>
        log.error({ etcdKey: keys.state + key, reason }, 'a record is not understood, and left out'),
      ),
    store: etcd,
    prefix: keys.state,
    log,
    deadlineMs,
  });
  // Writes of one process would only be in each other's way.
  const oneByOne = pLimit(1);

  const readHead = async (
    more: readonly string[] = [],
  ): Promise<{ head: string; entries: readonly (Entry | undefined)[] }> => {
    const { entries } = await etcd.getMany([keys.changes, ...more]);
    const [changes, ...rest] = entries;
    const head = changes?.modRevision ?? '0';
    await mirror.reach(BigInt(head));
    return { head, entries: rest };
  };

  const attempt = async <T>(plan: (draft: Draft<R, I>) => T): Promise<{ result: T } | undefined> => {
    const { head } = await readHead();
    const draft = createDraft<R, I>(kinds, mirror.index());
    const result = plan(draft);
    const writes = draft.writes();
    if (writes.length === 0) return { result };
    const { isCommitted, revision } = await etcd.txn(
      [{ key: keys.changes, modRevision: head }],
      [...writes.map((write) => toWrite(keys, write)), { op: 'put', key: keys.changes, value: '' }],
    );
    if (!isCommitted) return undefined;
    await mirror.reach(BigInt(revision));
    return { result };
  };

  const write = async <T>(plan: (draft: Draft<R, I>) => T): Promise<T> => {
    for (let count = 1; count <= MAX_ATTEMPTS; count += 1) {
      const done = await attempt(plan);
      if (done) return done.result;
      await sleep(jitter(PAUSE_MS * count));
    }
    throw new EcomputeError(
      'ECOMPUTE_RECORD_CONFLICT',
      `could not write below ${keys.state}: others were faster ${MAX_ATTEMPTS} times`,
      { retryable: true, hint: 'try again' },
    );
  };

  return {
    keys,
    view: () => mirror.index(),
    look: async (more) => (await readHead(more)).entries,
    write: async (plan) => oneByOne(async () => write(plan)),
    [Symbol.asyncDispose]: async () => mirror[Symbol.asyncDispose](),
  };
};

const toWrite = (keys: RecordKeys, { kind, id, value }: DraftWrite): Write => {
  const key = keys.record(kind, id);
  return value === undefined ? { op: 'delete', key } : { op: 'put', key, value };
};
