import type { Guard, Write } from '@etcd-compute/common/etcd/store';
import type { Branch, Condition } from '@etcd-compute/common/etcd/store-branch';
import type { Part } from './group.js';

export interface ToBranchOptions {
  readonly prefix: string;
  /** Of the index on which the plans were made. */
  readonly revision: bigint;
}

/** What keys must be, in etcd's terms, with whole keys; so are the next two. */
export const toGuards = (keys: ReadonlyMap<string, bigint>, prefix: string): Guard[] =>
  [...keys].map(([key, modRevision]) => ({ key: prefix + key, modRevision: modRevision.toString() }));

export const toRangesWithNothing = (ranges: Iterable<string>, prefix: string): Condition[] =>
  [...ranges].map((range) => ({ prefix: prefix + range, is: 'empty' }));

export const toWrites = (writes: ReadonlyMap<string, string | undefined>, prefix: string): Write[] =>
  [...writes].map(([key, value]) =>
    value === undefined ? { op: 'delete', key: prefix + key } : { op: 'put', key: prefix + key, value },
  );

/** A part of a group in etcd's terms, with whole keys. */
export const toBranch = (
  part: Pick<Part<unknown>, 'keys' | 'empty' | 'unchanged' | 'writes'>,
  { prefix, revision }: ToBranchOptions,
): Branch => ({
  when: [
    ...toGuards(part.keys, prefix),
    ...toRangesWithNothing(part.empty, prefix),
    ...[...part.unchanged].map((range): Condition => ({
      prefix: prefix + range,
      is: 'unchanged',
      since: revision.toString(),
    })),
  ],
  writes: toWrites(part.writes, prefix),
});
