import type { Store } from '@etcd-compute/common/etcd/store';
import type { PlacementClient } from '@etcd-compute/common/placement/client';
import { PlacementIndex } from '../index/placement-index.js';
import { compareContents } from './compare.js';
import { contentOf, type Content } from './content.js';
import { type Change, openImportTarget } from './import-target.js';
import { countDone, type OnProgress } from './progress.js';
import { readService } from './read-service.js';
import { refuseUnknownNames } from './refuse.js';
import { entriesOf } from './to-entries.js';

export interface ImportOptions {
  /** The source. Stays the caller's, as does the store. */
  readonly client: PlacementClient;
  readonly store: Store;
  /** Of all keys; ends with a slash. */
  readonly prefix: string;
  /** Requests to the source at a time. */
  readonly parallel: number;
  readonly onProgress: OnProgress;
  readonly now?: () => number;
}

export interface TransferResult {
  readonly providers: number;
  readonly consumers: number;
  /** A line for each, when both sides were read anew at the end. None: all has been moved. */
  readonly differences: readonly string[];
}

/**
 * Makes a store in etcd what a Placement service is, generations too. It may be repeated, when it was broken off or when the source has
 * changed: then it writes what differs, and removes what has gone.
 *
 * @throws EcomputeError ECOMPUTE_TRANSFER_REFUSED, ECOMPUTE_PLACEMENT_*, ECOMPUTE_ETCD_*.
 */
export const importCloud = async (options: ImportOptions): Promise<TransferResult> => {
  const { client, store, prefix, onProgress, now = Date.now } = options;
  const from = client.endpoint;
  // What cannot be is told before a long read.
  await openImportTarget({ store, prefix, from, now });
  const source = await readService(client, options);
  const target = await openImportTarget({ store, prefix, from, now });
  refuseUnknownNames(source, contentOf(target.index), `${prefix} in etcd at ${store.endpoints}`);

  const changes = changesBetween(target.entries, entriesOf(source, target.startedAt));
  const done = countDone(onProgress, 'wrote', { of: changes.length, what: 'keys' });
  // Of nothing, too: it tells that an import has begun.
  for (const some of changes.length === 0 ? [[]] : inTransactions(changes)) {
    await target.write(some);
    done(some.length);
  }
  await target.release();

  onProgress('reading both sides anew');
  const differences = compareContents(await readService(client, options), await readStore(store, prefix), {
    hasGenerations: true,
    names: [`at ${from}`, 'in etcd'],
  });
  return { providers: source.providers.size, consumers: source.consumers.size, differences };
};

/** What a store in etcd holds at one moment. */
export const readStore = async (store: Store, prefix: string): Promise<Content> => {
  const index = new PlacementIndex();
  await store.list(prefix, ({ key, value, modRevision }) => {
    index.apply({ key: key.slice(prefix.length), value, modRevision: BigInt(modRevision) });
  });
  return contentOf(index);
};

const changesBetween = (before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): readonly Change[] => [
  ...[...before.keys()].filter((key) => !after.has(key)).map((key): Change => [key, undefined]),
  ...[...after].filter(([key, value]) => before.get(key) !== value),
];

/** etcd takes 128 operations in a transaction, and 1.5 MiB in a request. */
const MAX_CHANGES = 100;
const MAX_BYTES = 512 * 1024;

function* inTransactions(changes: readonly Change[]): Iterable<readonly Change[]> {
  let some: Change[] = [];
  let bytes = 0;
  for (const change of changes) {
    const [key, value = ''] = change;
    if (some.length >= MAX_CHANGES || bytes > MAX_BYTES) {
      yield some;
      [some, bytes] = [[], 0];
    }
    some.push(change);
    bytes += key.length + value.length;
  }
  if (some.length > 0) yield some;
}
