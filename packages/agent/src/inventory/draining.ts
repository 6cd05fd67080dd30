import { shareRuns } from '@etcd-compute/common/async/share-runs';
import { followKeys } from '@etcd-compute/common/etcd/follow';
import { isPermissionDenied } from '@etcd-compute/common/etcd/errors';
import type { Keys } from '@etcd-compute/common/etcd/keys';
import { drainSchema, type DrainNotice } from '@etcd-compute/common/etcd/messages/drain';
import { isNotUnderstood, parseMessage } from '@etcd-compute/common/etcd/messages/parse-message';
import type { Store } from '@etcd-compute/common/etcd/store';
import type { ProviderUuid } from '@etcd-compute/common/ids';
import type { Logger } from '@etcd-compute/common/log';
import { logFollowing } from '../servers/log-following.js';

/**
 * An operator's wish that this host takes nothing new (`eschedule host drain`). It stands in etcd, so it outlives this process: the agent
 * reads it before it shows itself, then follows it.
 */
export interface Draining {
  /** Null: the host takes instances. Undefined: nobody can tell, because the etcd user may not read the key. */
  readonly current: DrainNotice | null | undefined;
  readonly isOn: () => boolean;
  /** @throws when etcd is away. */
  readonly read: () => Promise<void>;
  /** Calls `onChange` with each change from now on. It never throws. */
  readonly follow: (options: { relistMs: number; onChange: () => Promise<void>; signal: AbortSignal }) => void;
}

export interface DrainingDeps {
  readonly store: Store;
  readonly keys: Keys;
  readonly host: ProviderUuid;
  readonly log: Logger;
}

export const createDraining = ({ store, keys, host, log }: DrainingDeps): Draining => {
  const key = keys.drain(host);
  let current: DrainNotice | null | undefined;

  const readCurrent = async (): Promise<typeof current> => {
    try {
      const entry = await store.get(key);
      if (!entry) return null;
      const { since, reason } = parseMessage(drainSchema, key, entry.value);
      return { since, reason };
    } catch (err) {
      if (isNotUnderstood(err)) {
        log.error({ err, etcdKey: key }, 'drain not understood, left as it is and not heeded');
        return null;
      }
      if (!isPermissionDenied(err)) throw err;
      log.warn({ err, etcdKey: key }, 'the etcd user may not read drains: this host cannot be drained');
      return undefined;
    }
  };
  const read = async (): Promise<void> => {
    current = await readCurrent();
  };

  const follow: Draining['follow'] = ({ relistMs, onChange, signal }) => {
    const look = shareRuns(async () => {
      const before = JSON.stringify(current);
      try {
        await read();
        if (JSON.stringify(current) === before) return;
        log.info({ drain: current }, current ? 'this host is drained' : 'this host is no longer drained');
        await onChange();
      } catch (err) {
        // `followKeys` looks again, at the latest after `relistMs`.
        if (!signal.aborted) log.warn({ err }, 'could not look whether this host is drained, trying again');
      }
    });
    // Without the right to the key there is nothing to follow until the agent starts with it.
    if (current === undefined) return;
    void followKeys({
      store,
      keys: [key],
      relistMs,
      onLook: () => void look(),
      onChange: () => void look(),
      ...logFollowing(log, 'drains'),
      signal,
    });
  };
  return {
    get current() {
      return current;
    },
    isOn: () => Boolean(current),
    read,
    follow,
  };
};
