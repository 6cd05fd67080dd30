import type { HostFindingKind } from '@etcd-compute/common/etcd/messages/host-audit';
import type { InstanceUuid } from '@etcd-compute/common/ids';
import type { Look } from './look.js';

/** Judges what may not fit together, and mends some of it on the way. */
export interface Audit {
  /** @returns what was found and is still there. */
  readonly run: (look: Look) => Promise<Finding[]>;
}

export interface Finding {
  readonly kind: HostFindingKind;
  readonly instance: InstanceUuid;
  /** What a person should know about it. */
  readonly detail: string;
  /** When it was seen first, in ms since 1970. */
  readonly since: number;
}

export interface FirstSeen {
  readonly since: number;
  /** False from the second look on. */
  readonly isNew: boolean;
}

/** Since when each of some things is seen without a break; what is not seen once begins anew. */
export const createFirstSeen = (now: () => number): ((seen: readonly string[]) => ReadonlyMap<string, FirstSeen>) => {
  let known: ReadonlyMap<string, FirstSeen> = new Map();
  return (seen) => {
    const before = known;
    const at = now();
    known = new Map(seen.map((key) => [key, { since: before.get(key)?.since ?? at, isNew: !before.has(key) }]));
    return known;
  };
};
