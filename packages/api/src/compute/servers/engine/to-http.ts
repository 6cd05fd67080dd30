import { EcomputeError, type ErrorCode } from '@etcd-compute/common/errors';
import { HttpError } from '../../../http/http-error.js';

/** What the cloud refuses because of what was asked, and what a caller is told. All else is a fault of ours. */
const STATUSES: Partial<Record<ErrorCode, number>> = {
  ECOMPUTE_USAGE: 400,
  ECOMPUTE_IMAGE_URL_REFUSED: 400,
  ECOMPUTE_SNAPSHOT_UNKNOWN: 400,
  ECOMPUTE_INSTANCE_UNKNOWN: 404,
  ECOMPUTE_CONSOLE_MISSING: 404,
  ECOMPUTE_WISH_REFUSED: 409,
  ECOMPUTE_INSTANCE_FAILED: 409,
  ECOMPUTE_INSTANCE_LOCKED: 409,
  ECOMPUTE_INSTANCE_CHANGED: 409,
  ECOMPUTE_HOST_NOT_UPGRADED: 409,
  ECOMPUTE_SNAPSHOT_NAME_TAKEN: 409,
};

/** @throws HttpError where the cloud refuses; else what it threw. */
export const asked = async <T>(task: Promise<T>): Promise<T> => {
  try {
    return await task;
  } catch (err) {
    const status = err instanceof EcomputeError ? STATUSES[err.code] : undefined;
    if (status === undefined || !(err instanceof Error)) throw err;
    throw new HttpError(status, err.message, { cause: err });
  }
};
