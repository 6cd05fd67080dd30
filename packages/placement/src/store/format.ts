import { EcomputeError } from '@etcd-compute/common/errors';
import type { Store } from '@etcd-compute/common/etcd/store';
import { FORMAT } from './etcd-keys.js';

export const CURRENT_FORMAT = '1';
/** Until it ends, an import says so in place of the format, so that nobody begins to use what is half there. */
export const IMPORTING = 'importing';

/**
 * Nothing is written.
 *
 * @returns whether anybody has said which layout of keys and values this is.
 * @throws EcomputeError ECOMPUTE_PLACEMENT_TOO_OLD when it is another one; ECOMPUTE_TRANSFER_UNFINISHED while it is imported.
 */
export const checkFormat = async (store: Store, prefix: string): Promise<boolean> => {
  const found = (await store.get(prefix + FORMAT))?.value;
  if (found === undefined) return false;
  if (found === IMPORTING)
    throw new EcomputeError(
      'ECOMPUTE_TRANSFER_UNFINISHED',
      `could not read ${prefix} in etcd at ${store.endpoints}: an import into it has not ended`,
      { hint: 'run `eplacement import` again, as it was run before', retryable: true },
    );
  if (found !== CURRENT_FORMAT)
    throw new EcomputeError(
      'ECOMPUTE_PLACEMENT_TOO_OLD',
      `could not read ${prefix} in etcd at ${store.endpoints}: its format is ${found}, and this version knows ${CURRENT_FORMAT}`,
      { hint: 'upgrade this process' },
    );
  return true;
};

/** As `checkFormat`, and says that it is ours unless somebody has said anything. */
export const ensureFormat = async (store: Store, prefix: string): Promise<void> => {
  if (await checkFormat(store, prefix)) return;
  const key = prefix + FORMAT;
  const { isCommitted } = await store.txn([{ key, modRevision: '0' }], [{ op: 'put', key, value: CURRENT_FORMAT }]);
  // Somebody else has done so in this moment.
  if (!isCommitted) await checkFormat(store, prefix);
};
