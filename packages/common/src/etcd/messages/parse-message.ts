import type { z } from 'zod';
import { EcomputeError } from '../../errors.js';

/**
 * Parses a stored JSON value.
 *
 * @throws EcomputeError ECOMPUTE_REQUEST_INVALID that names the key and each wrong member. The value stays as it is.
 */
export const parseMessage = <S extends z.ZodType>(schema: S, key: string, text: string): z.output<S> => {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new EcomputeError('ECOMPUTE_REQUEST_INVALID', `the value of etcd key ${key} is not JSON`, {
      cause,
      hint: `look at it with: etcdctl get ${key}`,
    });
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(
    (issue) => `${issue.path.map(String).join('.') || '(value)'}: ${issue.message}`,
  );
  throw new EcomputeError(
    'ECOMPUTE_REQUEST_INVALID',
    `the value of etcd key ${key} is not understood: ${problems.join('; ')}`,
    {
      details: { problems },
      hint: `look at it with: etcdctl get ${key}`,
    },
  );
};

/** Whether a stored value is of another version, or none of ours. */
export const isNotUnderstood = (thrown: unknown): thrown is EcomputeError =>
  thrown instanceof EcomputeError && thrown.code === 'ECOMPUTE_REQUEST_INVALID';
