import type { ReconcileLoop } from '@etcd-compute/common/async/reconcile-loop';
import type { Keys } from '@etcd-compute/common/etcd/keys';
import type { Store } from '@etcd-compute/common/etcd/store';
import { followPrefix } from '@etcd-compute/common/etcd/follow';
import type { InstanceUuid, ProviderUuid } from '@etcd-compute/common/ids';
import type { Logger } from '@etcd-compute/common/log';
import type { AgentConfig } from '../config/config.js';
import { logFollowing } from '../servers/log-following.js';

export interface FollowOptions {
  readonly store: Store;
  readonly keys: Keys;
  readonly host: ProviderUuid;
  readonly requested: Set<InstanceUuid>;
  readonly loop: ReconcileLoop<InstanceUuid>;
  readonly config: AgentConfig;
  readonly log: Logger;
  readonly signal: AbortSignal;
  readonly interrupt: (instance: InstanceUuid) => void;
}

/** Every boot request of this host wakes its instance: at the start, when it changes, and once a period. */
export const followRequests = ({
  store,
  keys,
  host,
  requested,
  loop,
  config,
  log,
  signal,
  interrupt,
}: FollowOptions): void => {
  /** Keys that are no boot requests: said once, not at every look. */
  const foreign = new Set<string>();
  const wake = (key: string): void => {
    const instance = keys.parseRequest(key)?.instance;
    if (instance === undefined) {
      if (!foreign.has(key)) log.warn({ etcdKey: key }, 'key is no boot request, left as it is');
      foreign.add(key);
      return;
    }
    requested.add(instance);
    interrupt(instance);
    loop.wake(instance);
  };
  void followPrefix({
    store,
    prefix: keys.requestsOf(host),
    relistMs: config.period * 1000,
    onList: (entries) => {
      requested.clear();
      const listed = new Set(entries.map(({ key }) => key));
      for (const key of foreign) if (!listed.has(key)) foreign.delete(key);
      for (const key of listed) wake(key);
    },
    onChange: (changed) => {
      for (const key of changed) wake(key);
    },
    ...logFollowing(log, 'boot requests'),
    signal,
  });
};
