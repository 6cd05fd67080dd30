import { randomUUID } from 'node:crypto';
import { backoff, sleep } from '@etcd-compute/common/async/sleep';
import { EcomputeError } from '@etcd-compute/common/errors';
import type { Guard, Store, Write } from '@etcd-compute/common/etcd/store';
import { WRITERS } from './etcd-keys.js';

/*
 * Whether a transaction was committed is not known when its reply is lost, and it may still be on its way: to look whether it is there
 * is not enough. So each process has a key of its own, and each of its transactions compares that key and puts the transaction's id there.
 * To find out, the process changes the key itself:
 *
 *   the key is as it was before  -> it is changed now, so the transaction can never be committed any more: nothing was written;
 *   the key holds the id         -> it was committed, at the key's revision;
 *   the key holds our own change -> the reply to an earlier question was lost: nothing was written.
 *
 * Each process has one transaction under way at a time. A process that ends leaves its key; keys that are a day old are removed when another
 * one starts. Should a process come back after that, its next transaction fails as a whole, and it takes a new key.
 */

export interface Writer extends AsyncDisposable {
  /** Begins a transaction. @throws what etcd says when there is no key yet and none can be made. */
  readonly begin: () => Promise<Ticket>;
}

/** Of one transaction. */
export interface Ticket {
  /** The transaction must have both. */
  readonly guard: Guard;
  readonly write: Write;
  /** It was committed at this revision. */
  readonly committed: (revision: bigint) => void;
  /** Its guard did not hold: the key has been taken away. */
  readonly refused: () => void;
  /**
   * @returns when it was committed; undefined when it was not, and never will be.
   * @throws EcomputeError ECOMPUTE_ETCD_UNREACHABLE when that could not be found out in time.
   */
  readonly settle: (cause: unknown) => Promise<bigint | undefined>;
}

export interface WriterOptions {
  readonly store: Store;
  readonly prefix: string;
  readonly now: () => number;
  /** How long it may take to find out. */
  readonly deadlineMs: number;
}

const RETRY_MS = { minMs: 50, maxMs: 1_000 };

interface Own {
  readonly key: string;
  modRevision: string;
}

export const createWriter = ({ store, prefix, now, deadlineMs }: WriterOptions): Writer => {
  let own: Own | undefined;
  let count = 0;

  const put = (key: string, id: string): Write => ({
    op: 'put',
    key,
    value: `${id} ${new Date(now()).toISOString()}`,
  });

  const take = async (): Promise<Own> => {
    // A name that nobody has had: when the reply is lost, another one is taken.
    const key = `${prefix}${WRITERS}${randomUUID()}`;
    const { revision } = await store.txn([{ key, modRevision: '0' }], [put(key, 'none')]);
    return { key, modRevision: revision };
  };

  const ask = async ({ key, modRevision }: Own, id: string): Promise<{ at: string; isCommitted: boolean } | 'lost'> => {
    const ended = `${id}-ended`;
    const { isCommitted: isEnded, revision } = await store.txn([{ key, modRevision }], [put(key, ended)]);
    if (isEnded) return { at: revision, isCommitted: false };
    const entry = await store.get(key);
    const [found] = entry ? parse(entry.value) : [];
    if (!entry || (found !== id && found !== ended)) return 'lost';
    return { at: entry.modRevision, isCommitted: found === id };
  };

  const settle = async (asked: Own, id: string, cause: unknown): Promise<bigint | undefined> => {
    const giveUpAt = performance.now() + deadlineMs;
    for (let attempt = 1; ; attempt += 1) {
      try {
        const answer = await ask(asked, id);
        if (answer === 'lost') break;
        asked.modRevision = answer.at;
        return answer.isCommitted ? BigInt(answer.at) : undefined;
      } catch (err) {
        const pauseMs = backoff(attempt, RETRY_MS);
        if (!(err instanceof EcomputeError && err.retryable) || performance.now() + pauseMs > giveUpAt) break;
        await sleep(pauseMs);
      }
    }
    // Whatever becomes of it, it is not in the way of what another key vouches for.
    own = undefined;
    throw new EcomputeError(
      'ECOMPUTE_ETCD_UNREACHABLE',
      `could not find out in etcd at ${store.endpoints} whether what was to be written below ${prefix} was written`,
      { cause, details: { isOutcomeUnknown: true }, hint: 'look whether it is there before it is asked for again' },
    );
  };

  return {
    begin: async () => {
      own ??= await take();
      const current = own;
      count += 1;
      const id = count.toString();
      return {
        guard: { key: current.key, modRevision: current.modRevision },
        write: put(current.key, id),
        committed: (revision) => {
          current.modRevision = revision.toString();
        },
        refused: () => {
          own = undefined;
        },
        settle: async (cause) => settle(current, id, cause),
      };
    },
    [Symbol.asyncDispose]: async () => {
      if (!own) return;
      const { key, modRevision } = own;
      own = undefined;
      // It is removed one day if this fails.
      await store.txn([{ key, modRevision }], [{ op: 'delete', key }]).catch(() => undefined);
    },
  };
};

/** What a key holds: the id of the last transaction, and when it was. */
const parse = (value: string): readonly string[] => value.split(' ');

const OLD_MS = 24 * 3_600_000;

/** Removes the keys of processes that have written nothing for a day. */
export const removeOldWriters = async ({
  store,
  prefix,
  now,
}: Pick<WriterOptions, 'store' | 'prefix' | 'now'>): Promise<void> => {
  const { entries } = await store.list(prefix + WRITERS);
  for (const { key, value, modRevision } of entries) {
    const [, at = ''] = parse(value);
    if (now() - Date.parse(at) > OLD_MS) await store.txn([{ key, modRevision }], [{ op: 'delete', key }]);
  }
};
