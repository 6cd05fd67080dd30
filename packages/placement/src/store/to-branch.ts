import type { Write } from '@etcd-compute/common/etcd/store';
import type { Branch, Condition } from '@etcd-compute/common/etcd/store-branch';
import type { Part } from './group.js';

export interface ToBranchOptions {
  readonly prefix: string;
  /** Of the index on which the plans were made. */
  readonly revision: bigint;
}

/** A part of a group in etcd's terms, with whole keys. */
export const toBranch = (
  part: Pick<Part<unknown>, 'keys' | 'empty' | 'unchanged' | 'writes'>,
  { prefix, revision }: ToBranchOptions,
): Branch => {
  const when: Condition[] = [
    ...[...part.keys].map(([key, modRevision]) => ({ key: prefix + key, modRevision: modRevision.toString() })),
    ...[...part.empty].map((range) => ({ prefix: prefix + range, is: 'empty' as const })),
    ...[...part.unchanged].map((range) => ({
      prefix: prefix + range,
      is: 'unchanged' as const,
      since: revision.toString(),
    })),
  ];
  const writes = [...part.writes].map(([key, value]): Write =>
    value === undefined ? { op: 'delete', key: prefix + key } : { op: 'put', key: prefix + key, value },
  );
  return { when, writes };
};
