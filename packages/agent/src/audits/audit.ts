import type { HostFindingKind } from '@etcd-compute/common/etcd/messages/host-audit';
import type { InstanceUuid } from '@etcd-compute/common/ids';
import type { Look } from './look.js';

/** Finds what does not agree, and fixes some of it. */
export interface Audit {
  /** @returns the findings that are not fixed. */
  readonly run: (look: Look) => Promise<Finding[]>;
}

export interface Finding {
  readonly kind: HostFindingKind;
  readonly instance: InstanceUuid;
  /** For people. */
  readonly detail: string;
  /** When it was first seen, in ms since 1970. */
  readonly since: number;
}

export interface FirstSeen {
  readonly since: number;
  /** False from the second look on. */
  readonly isNew: boolean;
}

/** Since when each thing has been seen at every look. One missed look starts its time again. */
export const createFirstSeen = (now: () => number): ((seen: readonly string[]) => ReadonlyMap<string, FirstSeen>) => {
  let known: ReadonlyMap<string, FirstSeen> = new Map();
  return (seen) => {
    const before = known;
    const at = now();
    known = new Map(seen.map((key) => [key, { since: before.get(key)?.since ?? at, isNew: !before.has(key) }]));
    return known;
  };
};
