import {
  CompareResult,
  CompareTarget,
  Range,
  type ICompare,
  type IRequestOp,
  type ITxnRequest,
  type ITxnResponse,
} from 'etcd3';
import { EcomputeError } from '../errors.js';
import { MAX_OPERATIONS, type Guard, type Write } from './store-entries.js';

/** What must be so: of one key, or of all keys under a prefix. */
export type Condition =
  | Guard
  | { readonly prefix: string; readonly is: 'empty' }
  /** No key there was added or changed after the revision. A key that was deleted is not noticed. */
  | { readonly prefix: string; readonly is: 'unchanged'; readonly since: string };

/**
 * A transaction, or a part of one that has conditions of its own: when they do not hold, the rest of the whole is written all the same.
 * All conditions are about what was there before the whole. No key may be written twice in the whole.
 */
export interface Branch {
  /** None: it always holds. */
  readonly when: readonly Condition[];
  readonly writes: readonly Write[];
  readonly parts?: readonly Branch[];
}

export interface BranchOutcome {
  readonly isCommitted: boolean;
  /** Of each part; empty when it was not committed. */
  readonly parts: readonly BranchOutcome[];
}

const toCompare = (condition: Condition): ICompare => {
  if ('key' in condition)
    return {
      key: Buffer.from(condition.key),
      target: CompareTarget.Mod,
      result: CompareResult.Equal,
      mod_revision: condition.modRevision,
    };
  const { start, end } = Range.prefix(condition.prefix);
  const range = { key: start, range_end: end, result: CompareResult.Less };
  // Of a range that has no key, every comparison is true; of any key the first is false.
  if (condition.is === 'empty') return { ...range, target: CompareTarget.Version, version: 1 };
  return { ...range, target: CompareTarget.Mod, mod_revision: (BigInt(condition.since) + 1n).toString() };
};

const toOperation = (write: Write): IRequestOp => {
  const key = Buffer.from(write.key);
  if (write.op === 'delete') return { request_delete_range: { key } };
  const { value, lease } = write;
  return { request_put: { key, value: Buffer.from(value), ...(lease !== undefined && { lease }) } };
};

/**
 * What etcd takes of a txn and of all that are nested in it: of each the longest of its lists counts, and what is nested in it has what
 * that leaves. More writes than fit are nested themselves.
 */
export const toTxnRequest = (branch: Branch, room = MAX_OPERATIONS): ITxnRequest => {
  const { when, writes, parts = [] } = branch;
  const width = Math.max(when.length, parts.length);
  const hasRoom = Math.max(width, writes.length + parts.length) <= room;
  const groups = hasRoom ? [] : groupWrites(writes, { room, width, others: parts.length });
  const own = hasRoom
    ? writes.map(toOperation)
    : groups.map((group) => ({ request_txn: { success: group.map(toOperation) } }));
  const left = room - Math.max(width, own.length + parts.length);
  return {
    compare: when.map(toCompare),
    success: [...parts.map((part) => ({ request_txn: toTxnRequest(part, left) })), ...own],
  };
};

const groupWrites = (
  writes: readonly Write[],
  { room, width, others }: { readonly room: number; readonly width: number; readonly others: number },
): readonly (readonly Write[])[] => {
  // The more there are in a group, the fewer groups there may be. Half and half is the most that fits.
  const size = Math.min(Math.floor(room / 2), room - width);
  const count = size > 0 ? Math.ceil(writes.length / size) : Number.POSITIVE_INFINITY;
  if (count + others > room - size)
    throw new EcomputeError(
      'ECOMPUTE_ETCD_REFUSED',
      `could not write ${writes[0]?.key ?? 'nothing'} and ${writes.length - 1} more keys at once: it is more than etcd takes in one transaction`,
      { hint: 'etcd takes 128 operations by default (`--max-txn-ops`)', details: { isTooMuch: true } },
    );
  return Array.from({ length: count }, (_, index) => writes.slice(index * size, (index + 1) * size));
};

/** For messages. */
export const firstKeyOf = ({ writes, parts = [], when }: Branch): string => {
  const [first = when[0]] = writes;
  if (first) return 'key' in first ? first.key : first.prefix;
  return parts[0] ? firstKeyOf(parts[0]) : 'nothing';
};

export const toOutcome = (
  branch: Branch,
  { succeeded, responses }: Pick<ITxnResponse, 'succeeded' | 'responses'>,
): BranchOutcome => ({
  isCommitted: succeeded,
  parts: succeeded
    ? (branch.parts ?? []).flatMap((part, index) => {
        const response = responses[index]?.response_txn;
        return response ? [toOutcome(part, response)] : [];
      })
    : [],
});
