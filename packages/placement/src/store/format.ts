import { EcomputeError } from '@etcd-compute/common/errors';
import type { Store } from '@etcd-compute/common/etcd/store';
import { FORMAT } from './etcd-keys.js';

const CURRENT_FORMAT = '1';

/** Says which layout of keys and values this is, unless somebody has. @throws EcomputeError ECOMPUTE_PLACEMENT_TOO_OLD for another one. */
export const ensureFormat = async (store: Store, prefix: string): Promise<void> => {
  const key = prefix + FORMAT;
  // Others may write the same at the same time.
  const found =
    (await store.get(key))?.value ??
    ((await store.txn([{ key, modRevision: '0' }], [{ op: 'put', key, value: CURRENT_FORMAT }])).isCommitted
      ? CURRENT_FORMAT
      : (await store.get(key))?.value);
  if (found !== CURRENT_FORMAT)
    throw new EcomputeError(
      'ECOMPUTE_PLACEMENT_TOO_OLD',
      `could not read ${prefix} in etcd at ${store.endpoints}: its format is ${String(found)}, and this version knows ${CURRENT_FORMAT}`,
      { hint: 'upgrade this process' },
    );
};
