import type { Store, Write } from '@etcd-compute/common/etcd/store';
import { PlacementIndex } from '../index/placement-index.js';
import { FORMAT, HEAD, IMPORT, WRITERS } from '../store/etcd-keys.js';
import { CURRENT_FORMAT, IMPORTING } from '../store/format.js';
import { transferRefused } from './refuse.js';

/*
 * A store that is filled by an import. Each of the import's transactions puts the key `import`, and each transaction of anybody puts `head`; so
 * while the two are of one revision, nobody but the import has written, and it may go on, whatever it left behind. Each of its transactions
 * rests on that, so it never overwrites what is of others, and two imports do not get in each other's way.
 *
 * Until the import has ended, `format` says so, and no other process begins to use the store.
 */

/** What `import` holds. */
interface ImportRecord {
  /** The source. */
  readonly from: string;
  /** ISO 8601. Classes, traits and types count as made then. */
  readonly startedAt: string;
}

export interface ImportTarget {
  readonly startedAt: number;
  /** What is there, keys relative to the prefix. */
  readonly entries: ReadonlyMap<string, string>;
  /** The same as an index. */
  readonly index: PlacementIndex;
  /** Only one at a time. @throws EcomputeError ECOMPUTE_TRANSFER_REFUSED when others have written. */
  readonly write: (changes: readonly Change[]) => Promise<void>;
  /** Others may use the store from now on. */
  readonly release: () => Promise<void>;
}

/** Of a key relative to the prefix; an undefined value is a deletion. */
export type Change = readonly [key: string, value: string | undefined];

export interface ImportTargetOptions {
  readonly store: Store;
  /** Of all keys; ends with a slash. */
  readonly prefix: string;
  readonly from: string;
  readonly now: () => number;
}

/** Nothing is written yet. @throws EcomputeError ECOMPUTE_TRANSFER_REFUSED when what is there is not of an earlier import of the same source. */
export const openImportTarget = async ({ store, prefix, from, now }: ImportTargetOptions): Promise<ImportTarget> => {
  const entries = new Map<string, string>();
  const index = new PlacementIndex();
  const revisions = new Map<string, string>();
  let record: ImportRecord | undefined;
  await store.list(prefix, ({ key: whole, value, modRevision }) => {
    const key = whole.slice(prefix.length);
    if (key === HEAD || key === IMPORT || key === FORMAT) revisions.set(key, modRevision);
    else if (!key.startsWith(WRITERS)) {
      entries.set(key, value);
      index.apply({ key, value, modRevision: BigInt(modRevision) });
    }
    // Written below and by nothing else.
    if (key === IMPORT) record = JSON.parse(value);
  });
  const where = `${prefix} in etcd at ${store.endpoints}`;
  refuseForeign({ where, from, record, isEmpty: entries.size === 0, isAlone: isSame(revisions) });

  const startedAt = record?.startedAt ?? new Date(now()).toISOString();
  const value = JSON.stringify({ from, startedAt } satisfies ImportRecord);
  const commit = async (writes: readonly Write[]): Promise<void> => {
    const guards = [HEAD, IMPORT, FORMAT].map((key) => ({ key: prefix + key, modRevision: revisions.get(key) ?? '0' }));
    const own = [
      { op: 'put' as const, key: prefix + IMPORT, value },
      { op: 'put' as const, key: prefix + HEAD, value: '' },
    ];
    const { isCommitted, revision } = await store.txn(guards, [...writes, ...own]);
    if (!isCommitted)
      throw transferRefused(
        `could not go on with the import into ${where}: somebody else has written there`,
        'stop all that writes there; what is there must be removed before it is imported again',
      );
    for (const key of [HEAD, IMPORT]) revisions.set(key, revision);
    if (writes.some(({ key }) => key === prefix + FORMAT)) revisions.set(FORMAT, revision);
  };
  const setFormat = (format: string): Write => ({ op: 'put', key: prefix + FORMAT, value: format });

  let isHeld = false;
  return {
    startedAt: Date.parse(startedAt),
    entries,
    index,
    write: async (changes) => {
      const writes = changes.map(([key, changed]): Write =>
        changed === undefined ? { op: 'delete', key: prefix + key } : { op: 'put', key: prefix + key, value: changed },
      );
      await commit(isHeld ? writes : [...writes, setFormat(IMPORTING)]);
      isHeld = true;
    },
    release: async () => commit([setFormat(CURRENT_FORMAT)]),
  };
};

const isSame = (revisions: ReadonlyMap<string, string>): boolean => revisions.get(IMPORT) === revisions.get(HEAD);

interface Found {
  readonly where: string;
  readonly from: string;
  readonly record: ImportRecord | undefined;
  readonly isEmpty: boolean;
  /** Nobody has written since the import. */
  readonly isAlone: boolean;
}

const refuseForeign = ({ where, from, record, isEmpty, isAlone }: Found): void => {
  if (isEmpty) return;
  const why =
    (record === undefined && 'it is not empty') ||
    (record?.from !== from && `it holds what was imported from ${record?.from ?? ''}`) ||
    (!isAlone && 'it was written to after it was imported');
  if (why !== false)
    throw transferRefused(
      `could not import into ${where}: ${why}`,
      'only an empty store is imported into, or one that holds nothing but what an import from the same URL has left',
    );
};
