import { backoff, sleep } from '@etcd-compute/common/async/sleep';
import type { Logger } from '@etcd-compute/common/log';
import { EcomputeError } from '@etcd-compute/common/errors';

/** Errors that waiting does not mend: a person must act, and the agent does not start. */
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

/** Tries until it works. The reason is logged when it is new, not at every try. @throws what waiting does not mend; on abort. */
export const persist = async <T>(task: () => Promise<T>, { what, log, signal }: PersistOptions): Promise<T> => {
  let said = '';
  for (let attempt = 1; ; attempt += 1) {
    signal.throwIfAborted();
    try {
      const result = await task();
      if (said !== '') log.info(`${what} is there`);
      return result;
    } catch (err) {
      if (signal.aborted || isFinal(err)) throw err;
      const message = err instanceof Error ? err.message : String(err);
      if (message !== said) log.warn({ err }, `waiting for ${what}`);
      said = message;
      await sleep(backoff(attempt, { minMs: 250, maxMs: 5_000 }), signal);
    }
  }
};
