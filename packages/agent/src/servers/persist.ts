import { retry } from '@etcd-compute/common/async/retry';
import type { Logger } from '@etcd-compute/common/log';
import { EcomputeError } from '@etcd-compute/common/errors';

/** Errors that waiting does not solve: a person must act, and the agent does not start. */
const FINAL: readonly string[] = [
  'ECOMPUTE_AGENT_DUPLICATE',
  'ECOMPUTE_AGENT_IDENTITY_CHANGED',
  'ECOMPUTE_CONFIG_INVALID',
  'ECOMPUTE_CONFIG_UNREADABLE',
  'ECOMPUTE_PLACEMENT_TOO_OLD',
  'ECOMPUTE_STATE_DIR_UNUSABLE',
];

export const isFinal = (thrown: unknown): boolean => thrown instanceof EcomputeError && FINAL.includes(thrown.code);

export interface PersistOptions {
  /** Completes "waiting for …". */
  readonly what: string;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

/** Tries until it works. It logs each new reason once. @throws an error that waiting does not solve; the signal's reason on abort. */
export const persist = async <T>(task: () => Promise<T>, { what, log, signal }: PersistOptions): Promise<T> => {
  let said = '';
  const isWorthIt = (err: unknown): boolean => {
    if (isFinal(err)) return false;
    const message = err instanceof Error ? err.message : String(err);
    if (message !== said) log.warn({ err }, `waiting for ${what}`);
    said = message;
    return true;
  };
  const result = await retry(task, { isWorthIt, pause: { minMs: 250, maxMs: 5_000 }, signal });
  if (said !== '') log.info(`${what} is there`);
  return result;
};
