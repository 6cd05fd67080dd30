import type { Logger } from '../log.js';
import { retry } from './retry.js';

export interface PersistOptions {
  /** Completes "waiting for …". */
  readonly what: string;
  /** Whether waiting does not solve it. */
  readonly isFinal: (thrown: unknown) => boolean;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

/** Tries until it works. It logs each new reason once. @throws an error that waiting does not solve; the signal's reason on abort. */
export const persist = async <T>(
  task: () => Promise<T>,
  { what, isFinal, log, signal }: PersistOptions,
): Promise<T> => {
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
