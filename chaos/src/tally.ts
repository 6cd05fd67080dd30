import type { RequestKind } from './api/request-kinds.js';
import type { FaultKind } from './faults/kinds.js';
import { readError } from './ledger.js';
import type { OperationKind } from './operation-kinds.js';
import type { Attempt } from './operations.js';

/** What has been done, in numbers. */
export interface Tally {
  readonly operations: Map<OperationKind, { done: number; failed: number; killed: number }>;
  /** `missed`: there was nobody to hit at that moment. */
  readonly faults: Map<FaultKind, { done: number; missed: number }>;
  /** By the status of the answer. */
  readonly requests: Map<RequestKind, Map<string, number>>;
  /** What commands that failed gave as the reason. */
  readonly errors: Map<string, number>;
  /** What the instances have become, at the last check. */
  states: ReadonlyMap<string, number>;
  checks: number;
  /** From the end of the last fault to a world in which everything holds. */
  readonly settledMs: number[];
  /** Leases of etcd that hold nothing at the end: what was granted just before a crash. They run out by themselves. */
  emptyLeases: number;
  /** At so many revisions etcd was found to count room rightly. */
  revisionsCounted: number;
  /** At so many revisions eapi was found to count servers rightly, and to keep groups. */
  revisionsOfServers: number;
}

export const createTally = (): Tally => ({
  operations: new Map(),
  requests: new Map(),
  faults: new Map(),
  errors: new Map(),
  states: new Map(),
  checks: 0,
  settledMs: [],
  emptyLeases: 0,
  revisionsCounted: 0,
  revisionsOfServers: 0,
});

/** @param answer its status; undefined: none came. */
export const countRequest = ({ requests }: Tally, kind: RequestKind, answer: number | string | undefined): void => {
  const answers = requests.get(kind) ?? new Map<string, number>();
  const name = answer === undefined ? 'no answer' : String(answer);
  answers.set(name, (answers.get(name) ?? 0) + 1);
  requests.set(kind, answers);
};

export const countFault = ({ faults }: Tally, kind: FaultKind, outcome: 'done' | 'missed'): void => {
  const count = faults.get(kind) ?? { done: 0, missed: 0 };
  count[outcome] += 1;
  faults.set(kind, count);
};

export const countAttempt = ({ operations, errors }: Tally, attempt: Attempt): void => {
  const { kind } = attempt.operation;
  const count = operations.get(kind) ?? { done: 0, failed: 0, killed: 0 };
  operations.set(kind, count);
  if (attempt.signal !== null) count.killed += 1;
  else if (attempt.code === 0) count.done += 1;
  else {
    count.failed += 1;
    const code = readError(attempt)?.code ?? 'no reason given';
    errors.set(code, (errors.get(code) ?? 0) + 1);
  }
};
