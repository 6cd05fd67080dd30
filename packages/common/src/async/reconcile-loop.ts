import { setMaxListeners } from 'node:events';
import { formatErrorChain } from '../errors.js';
import { backoff } from './sleep.js';
import { withResolvers } from './deadline.js';

/*
 * One loop per key. A wake while the key is active makes one more activation follow; any number of wakes merge into it.
 * A watch event, a timer and a restart all come down to `wake(key)`: nobody acts on an event's payload.
 *
 * The loop itself never throws. An activation that fails is run again after a backoff that belongs to that key; the failure
 * is handed to `onError` once.
 */

export interface ReconcileLoopOptions<K extends string> {
  /** Reads the truth about `key` and takes the next steps. May ask to be woken again by returning a delay. */
  readonly activate: (key: K, signal: AbortSignal) => Promise<{ againAfterMs?: number } | void>;
  /** `isRepeat`: the key's last activation failed in the same words. */
  readonly onError: (key: K, err: unknown, details: { nextInMs: number; isRepeat: boolean }) => void;
  readonly backoffMs: { minMs: number; maxMs: number };
  readonly signal: AbortSignal;
}

interface KeyState {
  isActive: boolean;
  isWoken: boolean;
  failures: number;
  lastFailure: string;
  timer: NodeJS.Timeout | undefined;
}

export class ReconcileLoop<K extends string> {
  readonly #options: ReconcileLoopOptions<K>;
  readonly #states = new Map<K, KeyState>();
  #idle = withResolvers<void>();
  #activeCount = 0;

  constructor(options: ReconcileLoopOptions<K>) {
    this.#options = options;
    setMaxListeners(0, options.signal);
  }

  wake(key: K): void {
    if (this.#options.signal.aborted) return;
    const state = this.#states.get(key) ?? {
      isActive: false,
      isWoken: false,
      failures: 0,
      lastFailure: '',
      timer: undefined,
    };
    this.#states.set(key, state);
    clearTimeout(state.timer);
    state.isWoken = true;
    if (!state.isActive) void this.#run(key, state);
  }

  get activeKeys(): K[] {
    return [...this.#states].filter(([, state]) => state.isActive).map(([key]) => key);
  }

  /** Resolves when no key is active. */
  async idle(): Promise<void> {
    while (this.#activeCount > 0) await this.#idle.promise;
  }

  async #run(key: K, state: KeyState): Promise<void> {
    state.isActive = true;
    this.#activeCount += 1;
    let nextInMs: number | undefined;
    while (state.isWoken && !this.#options.signal.aborted) {
      state.isWoken = false;
      nextInMs = await this.#activate(key, state);
    }
    state.isActive = false;
    this.#activeCount -= 1;
    if (this.#activeCount === 0) {
      this.#idle.resolve();
      this.#idle = withResolvers<void>();
    }
    if (this.#options.signal.aborted) return;
    if (nextInMs === undefined) this.#states.delete(key);
    else state.timer = setTimeout(() => this.wake(key), nextInMs);
  }

  async #activate(key: K, state: KeyState): Promise<number | undefined> {
    try {
      const result = await this.#options.activate(key, this.#options.signal);
      state.failures = 0;
      state.lastFailure = '';
      return result?.againAfterMs;
    } catch (err) {
      state.failures += 1;
      const nextInMs = backoff(state.failures, this.#options.backoffMs);
      const failure = formatErrorChain(err);
      const isRepeat = failure === state.lastFailure;
      state.lastFailure = failure;
      if (!this.#options.signal.aborted) this.#options.onError(key, err, { nextInMs, isRepeat });
      return nextInMs;
    }
  }

  /** Stops the timers. Activations in hand are ended by the signal. */
  close(): void {
    for (const state of this.#states.values()) clearTimeout(state.timer);
  }
}
