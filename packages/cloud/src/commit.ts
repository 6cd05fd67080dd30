import { backoff, sleep } from '@etcd-compute/common/async/sleep';
import { EcomputeError } from '@etcd-compute/common/errors';
import { isSurelyUnwritten } from '@etcd-compute/common/etcd/errors';
import type { Guard, Store, Write } from '@etcd-compute/common/etcd/store';

/**
 * What became of a txn. `unwritten`: it failed and changed nothing; `unknown`: it failed, and whether it was written could not be
 * found out either.
 */
export type CommitResult =
  | { readonly outcome: 'committed' }
  | { readonly outcome: 'lost-race' }
  | { readonly outcome: 'unwritten' | 'unknown'; readonly err: unknown };

export interface CommitOptions {
  readonly store: Store;
  readonly guards: readonly Guard[];
  /** The first is a put whose value nobody else would write: it identifies our own txn. */
  readonly writes: readonly [Write & { op: 'put' }, ...Write[]];
  /** How long to try to find out. */
  readonly patienceMs: number;
}

const RETRY_MS = { minMs: 50, maxMs: 1_000 };

/**
 * Commits a txn and finds out whether it was written, also when a reply is lost.
 *
 * Reading the key again would not be enough: a txn whose reply timed out may still be on its way and be applied after the
 * read. Sending the same txn again is: its guards let only one of the two pass, and the answer then is final.
 */
export const commit = async ({ store, guards, writes, patienceMs }: CommitOptions): Promise<CommitResult> => {
  const deadline = performance.now() + patienceMs;
  let isUnknown = false;
  for (let attempt = 1; ; attempt += 1) {
    try {
      const { isCommitted } = await store.txn(guards, writes);
      if (isCommitted) return { outcome: 'committed' };
      const isOurs = isUnknown && (await store.get(writes[0].key))?.value === writes[0].value;
      return { outcome: isOurs ? 'committed' : 'lost-race' };
    } catch (err) {
      isUnknown ||= !isSurelyUnwritten(err);
      const isFinal = !(err instanceof EcomputeError) || !err.retryable || performance.now() > deadline;
      if (isFinal) return { outcome: isUnknown ? 'unknown' : 'unwritten', err };
      await sleep(backoff(attempt, RETRY_MS));
    }
  }
};
