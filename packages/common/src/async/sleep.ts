import { setTimeout as delay } from 'node:timers/promises';

/** Waits; rejects with an `AbortError` when the signal fires. Does not keep the process alive on its own when `ref` is false. */
export const sleep = async (milliseconds: number, signal?: AbortSignal, ref = true): Promise<void> => {
  await delay(milliseconds, undefined, { ref, ...(signal ? { signal } : {}) });
};

/** A delay around `milliseconds`, 25 % either way, so that a thousand hosts do not act in the same instant. */
export const jitter = (milliseconds: number): number => Math.round(milliseconds * (0.75 + Math.random() / 2));

/** 1st attempt: `minMs`, then doubling up to `maxMs`, with jitter. Attempts count from 1. */
export const backoff = (attempt: number, { minMs, maxMs }: { minMs: number; maxMs: number }): number =>
  jitter(Math.min(maxMs, minMs * 2 ** Math.min(attempt - 1, 30)));
