import { EcomputeError } from '@etcd-compute/common/errors';

const AWAY: readonly string[] = ['ECOMPUTE_IMAGE_DOWNLOAD_FAILED', 'ECOMPUTE_IMAGE_TIMED_OUT'];

/** Whether a server did not answer, or only said that it cannot now. */
export const isServerAway = (thrown: unknown): boolean =>
  thrown instanceof EcomputeError && thrown.retryable && AWAY.includes(thrown.code);
