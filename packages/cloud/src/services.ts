import type { Capacity } from '@etcd-compute/common/capacity/capacity';
import type { Keys } from '@etcd-compute/common/etcd/keys';
import type { Store } from '@etcd-compute/common/etcd/store';

/**
 * What every function of a cloud works with. Each client is opened when it is first asked for: a caller that needs one does not pay for
 * the other, and while one loads, the other can answer.
 */
export interface Services {
  readonly keys: Keys;
  readonly store: () => Promise<Store>;
  readonly capacity: () => Promise<Capacity>;
  /** On whose behalf instances are booted. */
  readonly user: string;
  /** Names are unique in a project, and looked up in it. */
  readonly project: string;
  /** How long to find out whether a transaction was written when its reply was lost. */
  readonly patienceMs: number;
}
