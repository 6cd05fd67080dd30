import { withResolvers } from '@etcd-compute/common/async/deadline';
import { jitter, sleep } from '@etcd-compute/common/async/sleep';
import { isSurelyUnwritten, isTooMuch } from '@etcd-compute/common/etcd/errors';
import type { Store } from '@etcd-compute/common/etcd/store';
import { Draft } from '../engine/draft.js';
import { Refusal } from '../engine/refusal.js';
import type { PlacementIndex } from '../index/placement-index.js';
import { findCommittedParts } from './committed-parts.js';
import { HEAD } from './etcd-keys.js';
import { createGroup, type Group, type Part } from './group.js';
import { withoutImplied } from './implied-guards.js';
import type { Mirror } from '@etcd-compute/common/etcd/mirror';
import type { StoreObserver } from './store-observer.js';
import { toBranch } from './to-branch.js';
import type { Writer } from './writer.js';

/*
 * Group commit. While one transaction is under way, writes queue; the next one carries as many of them as it can, each planned on top of
 * those before it. So a write costs one round trip when there is little to do, and a share of one when there is much.
 *
 *   queue -> plan -> in the group      -> committed -> done
 *                 |                    -> others were faster -> the index learns what they wrote -> queue
 *                 -> refused, or nothing to write -> when the group has ended: barrier, plan once more -> done, or queue
 *
 * A success is proved by the transaction, a refusal by the barrier: the index may lag, and what the group before it wrote may yet fail.
 */

/** To dispose of it waits for the writes that are under way. */
export interface Committer extends AsyncDisposable {
  readonly write: <T>(plan: (draft: Draft) => T) => Promise<T>;
}

export interface CommitterOptions {
  readonly store: Store;
  readonly prefix: string;
  readonly mirror: Mirror<PlacementIndex>;
  readonly writer: Writer;
  /** Resolves when the index has everything that was written before the call. */
  readonly barrier: () => Promise<void>;
  readonly now: () => number;
  readonly observer: StoreObserver;
}

interface Job {
  /** Plans it. @returns what is to be called when that is done: it hands over the result. */
  readonly plan: (draft: Draft) => () => void;
  readonly reject: (err: unknown) => void;
  /** How often it has been in vain. */
  failures: number;
}

interface Member {
  readonly job: Job;
  readonly finish: () => void;
}

interface Gathered {
  readonly group: Group<Member>;
  readonly unproved: readonly Job[];
  /** Of the index. */
  readonly revision: bigint;
}

const MAX_FAILURES = 10;
const PAUSE_MS = 10;

export const createCommitter = ({
  store,
  prefix,
  mirror,
  writer,
  barrier,
  now,
  observer,
}: CommitterOptions): Committer => {
  let queue: Job[] = [];
  let isPumping = false;
  const unsettled = new Set<Promise<unknown>>();

  const enqueue = (job: Job): void => {
    queue.push(job);
    if (isPumping) return;
    isPumping = true;
    void pump();
  };

  /** Others were faster, or may have been. */
  const again = async (job: Job): Promise<void> => {
    job.failures += 1;
    observer.onConflict?.();
    if (job.failures >= MAX_FAILURES) {
      job.reject(
        new Refusal(
          'conflict',
          `Others changed the same things at the same time, ${MAX_FAILURES} times in a row. Please try again.`,
          'placement.concurrent_update',
        ),
      );
      return;
    }
    // The first time at once; then servers that get in each other's way step aside.
    if (job.failures > 1) await sleep(jitter(PAUSE_MS * job.failures));
    enqueue(job);
  };

  /** Plans on top of each other whatever goes into one transaction. Nothing is awaited, so nobody sees the index meanwhile. */
  const gather = (): Gathered => {
    const index = mirror.index();
    const group = createGroup<Member>();
    const unproved: Job[] = [];
    const undo: (() => void)[] = [];
    let taken = 0;
    for (const job of queue) {
      const draft = new Draft(index, now());
      try {
        const finish = job.plan(draft);
        const plan = withoutImplied(draft.plan, index);
        if (plan.writes.size === 0) unproved.push(job);
        else if (!group.add(plan, { job, finish })) break;
        for (const [key, value] of plan.writes) undo.push(index.tryOut(key, value));
      } catch (err) {
        if (err instanceof Refusal) unproved.push(job);
        else job.reject(err);
      }
      taken += 1;
    }
    for (const takeBack of undo.toReversed()) takeBack();
    queue = queue.slice(taken);
    return { group, unproved, revision: mirror.revision() };
  };

  const prove = async (job: Job): Promise<void> => {
    try {
      await barrier();
      const draft = new Draft(mirror.index(), now());
      const finish = job.plan(draft);
      if (draft.plan.writes.size === 0) finish();
      else await again(job);
    } catch (err) {
      job.reject(err);
    }
  };

  /** The index learns what others wrote before the members are planned again. */
  const lost = async (part: Part<Member>, revision: bigint): Promise<void> => {
    try {
      await mirror.reach(revision);
      const index = mirror.index();
      const isExplained =
        part.empty.size + part.unchanged.size > 0 ||
        [...part.keys].some(([key, guarded]) => index.revisionOf(key) !== guarded);
      if (!isExplained) mirror.doubt('what it holds is not what etcd holds');
      await Promise.all(part.members.map(async ({ job }) => again(job)));
    } catch (err) {
      for (const { job } of part.members) job.reject(err);
    }
  };

  const won = (part: Part<Member>, revision: bigint): void => {
    mirror.applyOwn([...part.writes].map(([key, value]) => ({ key, value, modRevision: revision })));
    for (const { finish } of part.members) finish();
  };

  /** @returns the revision, and whether each part was written; undefined when nothing was. @throws what the members are to be told. */
  const commit = async ({ group: { parts }, revision: plannedAt }: Gathered): Promise<Committed | undefined> => {
    const ticket = await writer.begin();
    const branch = {
      when: [ticket.guard],
      writes: [ticket.write, { op: 'put' as const, key: prefix + HEAD, value: '' }],
      parts: parts.map((part) => toBranch(part, { prefix, revision: plannedAt })),
    };
    observer.onTransaction?.();
    try {
      const reply = await store.transact(branch);
      if (!reply.isCommitted) {
        ticket.refused();
        return undefined;
      }
      const revision = BigInt(reply.revision);
      ticket.committed(revision);
      return { revision, parts: reply.parts.map(({ isCommitted }) => isCommitted) };
    } catch (err) {
      if (isTooMuch(err)) throw tooMuch();
      if (isSurelyUnwritten(err)) throw err;
      const revision = await ticket.settle(err);
      return revision === undefined
        ? undefined
        : { revision, parts: await findCommittedParts({ store, prefix }, parts, revision) };
    }
  };

  const run = async (gathered: Gathered): Promise<void> => {
    const { parts } = gathered.group;
    const members = parts.flatMap((part) => part.members);
    try {
      const committed = parts.length > 0 ? await commit(gathered) : undefined;
      for (const [index, part] of parts.entries()) {
        if (committed?.parts[index] === true) won(part, committed.revision);
        else if (committed) void lost(part, committed.revision);
        else for (const { job } of part.members) void again(job);
      }
    } catch (err) {
      for (const { job } of members) job.reject(err);
    }
  };

  const pump = async (): Promise<void> => {
    while (queue.length > 0) {
      const gathered = gather();
      await run(gathered);
      for (const job of gathered.unproved) void prove(job);
    }
    isPumping = false;
  };

  return {
    write: async <T>(plan: (draft: Draft) => T) => {
      const { promise, resolve, reject } = withResolvers<T>();
      const planOnce = (draft: Draft): (() => void) => {
        const result = plan(draft);
        return () => resolve(result);
      };
      enqueue({ plan: planOnce, reject, failures: 0 });
      unsettled.add(promise);
      try {
        return await promise;
      } finally {
        unsettled.delete(promise);
      }
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.allSettled(unsettled);
    },
  };
};

interface Committed {
  readonly revision: bigint;
  readonly parts: readonly boolean[];
}

const tooMuch = (): Refusal =>
  new Refusal(
    'bad-request',
    'This changes more at once than the store can write in one transaction. Please change less at a time.',
  );
