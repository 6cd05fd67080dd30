import { setTimeout as delay } from 'node:timers/promises';
import { withResolvers } from '@etcd-compute/common/async/deadline';
import type { WatchEvent } from '@etcd-compute/common/etcd/store-watch';
import type { Violation } from './invariants/rule.js';
import type { Stage } from './stage.js';

/** Looks at every revision of etcd, faults or not: what belongs together is written together, so it is never seen apart. */
export interface RevisionWatch extends AsyncDisposable {
  /** What was broken at any revision up to now. */
  readonly found: readonly Violation[];
  /** How many revisions were looked at. */
  readonly revisions: number;
}

/** Takes all keys as of one revision, then every change, and says what is wrong. */
export interface RevisionJudge {
  /** @returns whether it matters. */
  readonly take: (event: Pick<WatchEvent, 'key' | 'value' | 'modRevision'>) => boolean;
  /** After the whole of a revision that has something that matters. */
  readonly judge: () => readonly Violation[];
  /** No change up to this revision comes any more. */
  readonly forgetDeleted?: (upTo: bigint) => void;
}

const AGAIN_MS = 200;
/** For what was written while there was no watch. */
const CATCH_UP_MS = 10_000;
const MOST_FOUND = 5;

interface State {
  readonly judge: RevisionJudge;
  revision: bigint;
}

/** @param createJudge makes one that knows nothing yet. */
export const openRevisionWatch = ({ store }: Pick<Stage, 'store'>, createJudge: () => RevisionJudge): RevisionWatch => {
  const found: Violation[] = [];
  let revisions = 0;
  const closing = new AbortController();
  let endWatch = (): void => undefined;

  const look = ({ judge, revision }: State): void => {
    revisions += 1;
    for (const violation of judge.judge().slice(0, MOST_FOUND - found.length))
      found.push({ ...violation, what: `at revision ${revision}: ${violation.what}` });
  };
  const load = async (): Promise<State> => {
    const { entries, revision } = await store.list('/');
    const state: State = { judge: createJudge(), revision: BigInt(revision) };
    for (const entry of entries) state.judge.take(entry);
    look(state);
    return state;
  };
  /** They are whole revisions. */
  const takeAll = (state: State, events: readonly WatchEvent[]): void => {
    let matters = false;
    for (const [at, event] of events.entries()) {
      matters = state.judge.take(event) || matters;
      if (events[at + 1]?.modRevision === event.modRevision) continue;
      state.revision = BigInt(event.modRevision);
      if (matters) look(state);
      matters = false;
    }
    state.judge.forgetDeleted?.(state.revision);
  };
  /** Until the watch ends, or has come to a revision. */
  const follow = async (state: State, until?: bigint): Promise<void> => {
    const ended = withResolvers<void>();
    const end = (): void => ended.resolve();
    endWatch = end;
    const stop = store.watch({ prefix: '/' }, (state.revision + 1n).toString(), {
      onEvents: (events) => {
        takeAll(state, events);
        if (until !== undefined && state.revision >= until) end();
      },
      onEnd: end,
    });
    const timer = until === undefined ? undefined : setTimeout(end, CATCH_UP_MS);
    if (!closing.signal.aborted) await ended.promise;
    clearTimeout(timer);
    stop();
  };
  /** After a watch has ended, what was written since is looked at as far as etcd remembers it. One that was restored has gone back. */
  const run = async (): Promise<void> => {
    let state: State | undefined;
    while (!closing.signal.aborted) {
      try {
        const fresh = await load();
        if (state && state.revision < fresh.revision) await follow(state, fresh.revision);
        state = fresh;
        await follow(state);
      } catch {
        // etcd is being elected, or is away.
        await delay(AGAIN_MS);
      }
    }
  };
  const running = run();
  return {
    found,
    get revisions() {
      return revisions;
    },
    [Symbol.asyncDispose]: async () => {
      closing.abort();
      endWatch();
      await running;
    },
  };
};
