import type { ActionName } from '@etcd-compute/common/wishes/kinds';
import type { Violation } from '../invariants/rule.js';

/** What clients of eapi were told: what there is is held against it. */
export interface ApiLedger {
  /** By the name that was asked for. */
  readonly creates: Map<string, Create>;
  /** Servers and images that somebody has asked to be deleted, whatever the answer was. */
  readonly deletesAsked: Set<string>;
  /** Those of them that eapi has agreed to delete. */
  readonly deletesAccepted: Set<string>;
  /** What was asked of the instance of each server, also when no answer came. */
  readonly wishes: Map<string, ActionName[]>;
  /** Images whose content was taken. */
  readonly uploaded: Set<string>;
  readonly revoked: Set<string>;
  /** Answers that never may be given. */
  readonly found: Violation[];
}

export interface Create {
  readonly least: number;
  readonly most: number;
  /** `unknown`: no answer came, or one that says that something went wrong. */
  readonly answer: 'accepted' | 'refused' | 'unknown';
}

export const createApiLedger = (): ApiLedger => ({
  creates: new Map(),
  deletesAsked: new Set(),
  deletesAccepted: new Set(),
  wishes: new Map(),
  uploaded: new Set(),
  revoked: new Set(),
  found: [],
});

/** Nothing that anybody was told is true any more. */
export const forgetAll = ({ creates, deletesAsked, deletesAccepted, wishes, uploaded, revoked }: ApiLedger): void => {
  for (const all of [creates, deletesAsked, deletesAccepted, wishes, uploaded, revoked]) all.clear();
};

/** Of servers that are made by one request. */
export const serverNames = (name: string, { most }: Pick<Create, 'most'>): readonly string[] =>
  most === 1 ? [name] : Array.from({ length: most }, (_, index) => `${name}-${index + 1}`);
