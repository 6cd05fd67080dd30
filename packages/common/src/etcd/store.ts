import { EtcdLeaseInvalidError, Range } from 'etcd3';
import type { EtcdSection } from '../config/sections.js';
import type { ClusterJudge } from './cluster.js';
import { MAX_OPERATIONS, toEntry, type Entry, type Guard, type KeyRevision, type Write } from './store-entries.js';
import { firstKeyOf, toOutcome, toTxnRequest, type Branch, type BranchOutcome } from './store-branch.js';
import { openClient } from './store-client.js';
import { againWhenCompacted, isTooLarge, readPages, type RangeCall } from './store-pages.js';
import { openWatch, type WatchHandlers, type WatchTarget } from './store-watch.js';

export { MAX_OPERATIONS, type Entry, type Guard, type KeyRevision, type Write } from './store-entries.js';

/*
 * All that we use of etcd. Revisions and lease ids are decimal strings: they are 64 bit.
 *
 * No call returns more than a client can take: lists come in pages, and many keys in several calls.
 *
 * etcd3 needs care (measured with 1.1.2): its watcher moves its start revision forward when it reconnects and then loses
 * events silently, and its leases tell of their loss late. So a watch here has a stream of its own, ends at the first sign of trouble,
 * and its owner lists again (`follow.ts`), and leases are kept alive call by call.
 */

export interface Lease {
  readonly id: string;
  readonly ttlSeconds: number;
  /** @returns false when the lease is gone: take another. Throws when etcd could not be asked. */
  keepAlive(): Promise<boolean>;
  /** Removes the lease and every key under it. */
  revoke(): Promise<void>;
}

export interface Store extends AsyncDisposable {
  /** For messages: the endpoints, without credentials. */
  readonly endpoints: string;
  get(key: string): Promise<Entry | undefined>;
  /**
   * Any number of keys as of one revision, in the order asked.
   *
   * @param atRevision now, when it is left out. @throws EcomputeError ECOMPUTE_ETCD_COMPACTED when it has been compacted.
   */
  getMany(keys: readonly string[], atRevision?: string): Promise<{ entries: (Entry | undefined)[]; revision: string }>;
  /**
   * All entries under a prefix as of one revision, by key. They are read in pages.
   *
   * @param keep what to keep of each entry, so that a large list need not be in memory as a whole. It may be called again for an entry
   *   when etcd compacts in the middle.
   */
  list(prefix: string): Promise<{ entries: Entry[]; revision: string }>;
  list<T>(prefix: string, keep: (entry: Entry) => T): Promise<{ entries: T[]; revision: string }>;
  /** A few entries under a prefix, by key, from a key on, and when there are no more, from the first one on. */
  some(prefix: string, options: { readonly limit: number; readonly from: string }): Promise<Entry[]>;
  /** As `some`, without the values, which are not sent either. */
  someKeys(prefix: string, options: { readonly limit: number; readonly from: string }): Promise<KeyRevision[]>;
  /** As `list`, without the values, which are not sent either. */
  listKeys(prefix: string): Promise<{ entries: KeyRevision[]; revision: string }>;
  /** How many entries there are under a prefix. */
  count(prefix: string): Promise<number>;
  /** Writes all or nothing. @returns whether every guard held; a lost race is not an error. */
  txn(guards: readonly Guard[], writes: readonly Write[]): Promise<{ isCommitted: boolean; revision: string }>;
  /** As `txn`, with conditions on ranges, parts that have conditions of their own, and more writes than etcd takes side by side. */
  transact(branch: Branch): Promise<BranchOutcome & { readonly revision: string }>;
  grantLease(ttlSeconds: number): Promise<Lease>;
  /** Watches from a revision on, until the returned function is called or `onEnd` was. */
  watch(target: WatchTarget, fromRevision: string, handlers: WatchHandlers): () => void;
  close(): Promise<void>;
}

interface Chunk {
  readonly entries: (Entry | undefined)[];
  readonly revision: string;
}

interface CollectOptions<T> {
  readonly isKeysOnly: boolean;
  readonly keep: (entry: Entry) => T;
}

const collect = async <T>(
  range: RangeCall,
  prefix: string,
  { isKeysOnly, keep }: CollectOptions<T>,
): Promise<{ entries: T[]; revision: string }> =>
  againWhenCompacted(async () => {
    const entries: T[] = [];
    let revision = '0';
    for await (const page of readPages(range, prefix, { isKeysOnly })) {
      for (const kv of page.kvs) entries.push(keep(toEntry(kv)));
      revision = page.revision;
    }
    return { entries, revision };
  });

/** Opens a store; nothing is sent before the first call. @param judge looks at every reply to a read or a txn. */
export const openStore = async (etcd: EtcdSection, judge?: ClusterJudge): Promise<Store> => {
  const { client, call, ask, endpoints, attemptMs } = await openClient(etcd, judge);
  const range: RangeCall = async (request) => ask(`list ${request.key?.toString()}`, () => client.kv.range(request));

  async function list(prefix: string): Promise<{ entries: Entry[]; revision: string }>;
  async function list<T>(prefix: string, keep: (entry: Entry) => T): Promise<{ entries: T[]; revision: string }>;
  async function list(prefix: string, keep: (entry: Entry) => unknown = (entry) => entry): Promise<unknown> {
    return collect(range, prefix, { isKeysOnly: false, keep });
  }

  const someOf = async (
    prefix: string,
    { limit, from, isKeysOnly }: { limit: number; from: string; isKeysOnly: boolean },
  ): Promise<Entry[]> => {
    const { start, end } = Range.prefix(prefix);
    const middle = Buffer.from(from);
    const after = await range({ key: middle, range_end: end, limit, keys_only: isKeysOnly });
    const left = limit - after.kvs.length;
    const before =
      left > 0 ? (await range({ key: start, range_end: middle, limit: left, keys_only: isKeysOnly })).kvs : [];
    return [...after.kvs, ...before].map(toEntry);
  };

  const count: Store['count'] = async (prefix) => {
    const { start, end } = Range.prefix(prefix);
    return Number((await range({ key: start, range_end: end, count_only: true })).count);
  };

  const getChunk = async (keys: readonly string[], revision: string | undefined): Promise<Chunk> => {
    const [first = ''] = keys;
    try {
      const reply = await ask(`get ${first}`, () =>
        client
          .if(first, 'Version', '>', -1)
          .then(...keys.map((key) => (revision === undefined ? client.get(key) : client.get(key).revision(revision))))
          .commit(),
      );
      const entries = reply.responses.map((response) => response.response_range.kvs[0]).map((kv) => kv && toEntry(kv));
      return { entries, revision: revision ?? reply.header.revision };
    } catch (err) {
      if (!isTooLarge(err) || keys.length === 1) throw err;
      const half = Math.ceil(keys.length / 2);
      const before = await getChunk(keys.slice(0, half), revision);
      const after = await getChunk(keys.slice(half), before.revision);
      return { entries: [...before.entries, ...after.entries], revision: before.revision };
    }
  };

  const getMany = async (keys: readonly string[], atRevision?: string): Promise<Chunk> => {
    if (keys.length === 0) return { entries: [], revision: '0' };
    return againWhenCompacted(async () => {
      let chunk = await getChunk(keys.slice(0, MAX_OPERATIONS), atRevision);
      const entries = [...chunk.entries];
      for (let start = MAX_OPERATIONS; start < keys.length; start += MAX_OPERATIONS) {
        chunk = await getChunk(keys.slice(start, start + MAX_OPERATIONS), chunk.revision);
        entries.push(...chunk.entries);
      }
      return { entries, revision: chunk.revision };
    });
  };

  const transact: Store['transact'] = async (branch) => {
    const first = firstKeyOf(branch);
    const request = toTxnRequest(branch);
    const reply = await ask(`write ${first}`, () => client.kv.txn(request));
    return { ...toOutcome(branch, reply), revision: reply.header.revision };
  };

  const txn: Store['txn'] = async (guards, writes) => {
    if (guards.length === 0) throw new Error('a txn needs a guard');
    const { isCommitted, revision } = await transact({ when: guards, writes });
    return { isCommitted, revision };
  };

  const grantLease = async (ttlSeconds: number): Promise<Lease> => {
    const lease = client.lease(ttlSeconds, { autoKeepAlive: false });
    // Without a listener etcd3 would throw from a timer; `keepAlive` finds the loss itself.
    lease.on('lost', () => undefined);
    const id = await call('take a lease', () => lease.grant());
    return {
      id,
      ttlSeconds,
      keepAlive: async () => {
        try {
          await call('keep a lease', () => lease.keepaliveOnce({ deadline: Date.now() + attemptMs }));
          return true;
        } catch (err) {
          if (err instanceof Error && err.cause instanceof EtcdLeaseInvalidError) return false;
          throw err;
        }
      },
      revoke: async () => {
        await call('revoke a lease', () => lease.revoke({ deadline: Date.now() + attemptMs }));
      },
    };
  };

  const close = async (): Promise<void> => client.close();
  return {
    endpoints,
    get: async (key) => (await getMany([key])).entries[0],
    getMany,
    list,
    some: async (prefix, options) => someOf(prefix, { ...options, isKeysOnly: false }),
    someKeys: async (prefix, options) => someOf(prefix, { ...options, isKeysOnly: true }),
    count,
    listKeys: async (prefix) =>
      collect(range, prefix, { isKeysOnly: true, keep: ({ key, modRevision }) => ({ key, modRevision }) }),
    txn,
    transact,
    grantLease,
    watch: (target, fromRevision, handlers) => openWatch(client, target, { fromRevision, ...handlers }),
    close,
    [Symbol.asyncDispose]: close,
  };
};
