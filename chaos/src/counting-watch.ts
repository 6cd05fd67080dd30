import { setTimeout as delay } from 'node:timers/promises';
import { withResolvers } from '@etcd-compute/common/async/deadline';
import type { WatchEvent } from '@etcd-compute/common/etcd/store-watch';
import { PlacementIndex } from '@etcd-compute/placement/index/placement-index';
import { findMiscounts } from './invariants/counted.js';
import type { Violation } from './invariants/rule.js';
import type { Stage } from './stage.js';
import { takeCounted } from './world/read-etcd.js';

/** Looks at every revision of etcd, faults or not: what belongs together is written together, so it is never seen apart. */
export interface CountingWatch extends AsyncDisposable {
  /** What was broken at any revision up to now. */
  readonly found: readonly Violation[];
  /** How many revisions were looked at. */
  readonly revisions: number;
}

const AGAIN_MS = 200;
/** For what was written while there was no watch. */
const CATCH_UP_MS = 10_000;
const MOST_FOUND = 5;

interface State {
  readonly index: PlacementIndex;
  /** Where each instance is wished, by the key of its request. */
  readonly requests: Map<string, { readonly instance: string; readonly host: string }>;
  revision: bigint;
}

/** @param foreign somebody else's consumer. */
export const openCountingWatch = ({ store, keys }: Pick<Stage, 'store' | 'keys'>, foreign: string): CountingWatch => {
  const found: Violation[] = [];
  let revisions = 0;
  const closing = new AbortController();
  let endWatch = (): void => undefined;

  const judge = ({ index, requests, revision }: State): void => {
    revisions += 1;
    const miscounts = findMiscounts(index, { requests: requests.values(), foreign });
    for (const violation of miscounts.slice(0, MOST_FOUND - found.length))
      found.push({ ...violation, what: `at revision ${revision}: ${violation.what}` });
  };
  /** @returns whether it matters. */
  const take = ({ index, requests }: State, event: WatchEvent): boolean => {
    const request = keys.parseRequest(event.key);
    if (request && event.value === undefined) requests.delete(event.key);
    else if (request) requests.set(event.key, request);
    return takeCounted(index, keys, event) || request !== undefined;
  };
  const load = async (): Promise<State> => {
    const { entries, revision } = await store.list('/');
    const state: State = { index: new PlacementIndex(), requests: new Map(), revision: BigInt(revision) };
    for (const entry of entries) take(state, entry);
    judge(state);
    return state;
  };
  /** They are whole revisions. */
  const takeAll = (state: State, events: readonly WatchEvent[]): void => {
    let matters = false;
    for (const [at, event] of events.entries()) {
      matters = take(state, event) || matters;
      if (events[at + 1]?.modRevision === event.modRevision) continue;
      state.revision = BigInt(event.modRevision);
      if (matters) judge(state);
      matters = false;
    }
    state.index.forgetDeleted(state.revision);
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
