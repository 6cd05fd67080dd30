import type { ClusterJudge, ClusterSeen } from '@etcd-compute/common/etcd/cluster';
import { EcomputeError } from '@etcd-compute/common/errors';
import type { KnownServers } from './known-servers.js';

/**
 * Tells the etcd of this host from every other. A cluster id is not enough: one that is restored from a snapshot, with the same names and URLs, has
 * the same id. But the revision of a store never falls, unless it went back in time.
 */
export interface EtcdJudge extends ClusterJudge {
  /** The last reply; undefined before the first. */
  readonly seen: () => ClusterSeen | undefined;
  /** The expected etcd from now on. Undefined: whichever answers next. */
  readonly expect: (known: Pick<NonNullable<KnownServers['etcd']>, 'cluster_id' | 'revision'> | undefined) => void;
}

/** @param onChanged called with what is thrown. */
export const createEtcdJudge = ({ onChanged }: { onChanged: (err: EcomputeError) => void }): EtcdJudge => {
  let clusterId: string | undefined;
  let highest = 0n;
  const refuse = (why: string, details: Readonly<Record<string, unknown>>): never => {
    const err = etcdChanged(`the etcd that answers ${why}`, details);
    onChanged(err);
    throw err;
  };
  return {
    seen: () => (clusterId === undefined ? undefined : { clusterId, revision: highest.toString() }),
    expect: (known) => {
      clusterId = known?.cluster_id;
      highest = BigInt(known?.revision ?? 0);
    },
    begin: () => {
      const atLeast = highest;
      return (seen) => {
        const revision = BigInt(seen.revision);
        if (clusterId !== undefined && seen.clusterId !== clusterId)
          refuse(
            `is another cluster than the one that this host belongs to: its id is ${seen.clusterId}, not ${clusterId}`,
            {
              wentBack: false,
            },
          );
        if (revision < atLeast)
          refuse(
            `has gone back from revision ${atLeast} to ${revision}: it was restored from a backup, or began anew`,
            {
              wentBack: true,
            },
          );
        clusterId = seen.clusterId;
        if (revision > highest) highest = revision;
      };
    },
  };
};

export const etcdChanged = (what: string, details: Readonly<Record<string, unknown>> = {}): EcomputeError =>
  new EcomputeError('ECOMPUTE_ETCD_CHANGED', what, {
    retryable: true,
    details,
    hint: 'the agent does nothing on this host meanwhile. If this is the right etcd, run: ecompute --accept-change etcd; see "After a restore, or a wrong setting" in docs/operations.md',
  });

export const isEtcdChanged = (thrown: unknown): thrown is EcomputeError =>
  thrown instanceof EcomputeError && thrown.code === 'ECOMPUTE_ETCD_CHANGED';
