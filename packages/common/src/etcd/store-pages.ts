import { retry } from '../async/retry.js';
import { Range, type IKeyValue, type IRangeRequest, type IRangeResponse } from 'etcd3';
import { EcomputeError } from '../errors.js';

/** A range call of etcd that throws our errors. */
export type RangeCall = (request: IRangeRequest) => Promise<IRangeResponse>;

export interface Page {
  readonly kvs: readonly IKeyValue[];
  /** Of the whole read, the same in each of its pages. */
  readonly revision: string;
}

/**
 * The most that is taken in one reply. etcd holds values of up to 1.5 MiB by default, so a first page always fits; a page that does not
 * fit all the same is asked for again with fewer keys.
 */
export const MAX_REPLY_BYTES = 32 * 1024 * 1024;
const FIRST_PAGE = 20;
/** Later pages have as many keys as are likely to make this much. */
const PAGE_BYTES = 1024 * 1024;
const MAX_PAGE = 1_000;
/** Without values. A key of ours has about 80 bytes. */
const KEYS_PAGE = 5_000;

export const isTooLarge = (thrown: unknown): boolean =>
  thrown instanceof EcomputeError && thrown.code === 'ECOMPUTE_ETCD_REPLY_TOO_LARGE';

const isCompacted = (thrown: unknown): boolean =>
  thrown instanceof EcomputeError && thrown.code === 'ECOMPUTE_ETCD_COMPACTED';

/**
 * Reads what is under a prefix, page by page, all as of the revision of the first page. etcd is at work on the next page while the
 * caller is at work on one.
 *
 * @throws EcomputeError ECOMPUTE_ETCD_COMPACTED when that revision is compacted in the middle: the caller begins again.
 */
export const readPages = async function* (
  range: RangeCall,
  prefix: string,
  { isKeysOnly }: { isKeysOnly: boolean },
): AsyncGenerator<Page> {
  const { start, end } = Range.prefix(prefix);
  let next: Promise<IRangeResponse> | undefined;
  let revision: string | undefined;
  const ask = (key: Buffer, limit: number): void => {
    next = readPage(range, { key, range_end: end, limit, keys_only: isKeysOnly, ...(revision && { revision }) });
    // Told when it is waited for, which a caller that has seen enough never does.
    next.catch(() => undefined);
  };
  ask(start, isKeysOnly ? KEYS_PAGE : FIRST_PAGE);
  while (next) {
    const { kvs, more, header }: IRangeResponse = await next;
    revision ??= header.revision;
    const last = kvs.at(-1);
    next = undefined;
    if (more && last) ask(Buffer.concat([last.key, Buffer.of(0)]), isKeysOnly ? KEYS_PAGE : nextLimit(kvs));
    yield { kvs, revision };
  }
};

/** With fewer keys than asked, when so many do not fit into a reply. */
const readPage = async (range: RangeCall, request: IRangeRequest & { limit: number }): Promise<IRangeResponse> => {
  for (let limit = request.limit; ; limit = Math.ceil(limit / 4)) {
    try {
      return await range({ ...request, limit });
    } catch (err) {
      if (!isTooLarge(err) || limit === 1) throw err;
    }
  }
};

const nextLimit = (kvs: readonly IKeyValue[]): number => {
  const bytes = kvs.reduce((sum, { key, value }) => sum + key.length + value.length, 0);
  return Math.min(MAX_PAGE, Math.max(1, Math.floor((PAGE_BYTES * kvs.length) / Math.max(1, bytes))));
};

/** A compaction leaves hours of history by default: a read that meets several is far too slow. */
const COMPACTION_ATTEMPTS = 3;

/** Repeats a read as of one revision when that revision is compacted meanwhile. */
export const againWhenCompacted = async <T>(read: () => Promise<T>): Promise<T> =>
  retry(read, { isWorthIt: (err, attempt) => isCompacted(err) && attempt < COMPACTION_ATTEMPTS });
