import { withResolvers } from '@etcd-compute/common/async/deadline';
import { ReconcileLoop, type ReconcileLoopOptions } from '@etcd-compute/common/async/reconcile-loop';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

type Activate = ReconcileLoopOptions<string>['activate'];
interface Failure {
  readonly key: string;
  readonly nextInMs: number;
  readonly isRepeat: boolean;
}

const start = (activate: Activate) => {
  const controller = new AbortController();
  const failures: Failure[] = [];
  const loop = new ReconcileLoop<string>({
    activate,
    onError: (key, _err, details) => failures.push({ key, ...details }),
    backoffMs: { minMs: 100, maxMs: 1600 },
    signal: controller.signal,
  });
  return { loop, failures, stop: () => controller.abort() };
};

/** An activation that ends when the test says so. */
const heldActivation = () => {
  const runs: { key: string; finish: () => void }[] = [];
  const activate: Activate = async (key) => {
    const { promise, resolve } = withResolvers<void>();
    runs.push({ key, finish: resolve });
    await promise;
  };
  return { runs, activate };
};

const settle = async (): Promise<void> => {
  await vi.advanceTimersByTimeAsync(0);
};

describe('wakes', () => {
  test('one activates once; any number while it is active merge into one more', async () => {
    const { runs, activate } = heldActivation();
    const { loop } = start(activate);
    loop.wake('a');
    for (let count = 0; count < 50; count += 1) loop.wake('a');
    await settle();
    expect(runs).toHaveLength(1);
    runs[0]?.finish();
    await settle();
    expect(runs).toHaveLength(2);
    runs[1]?.finish();
    await loop.idle();
    expect(runs).toHaveLength(2);
  });

  test('keys are active beside each other, each by itself', async () => {
    const { runs, activate } = heldActivation();
    const { loop } = start(activate);
    for (const key of ['a', 'b', 'a', 'c', 'b']) loop.wake(key);
    await settle();
    expect(runs.map(({ key }) => key)).toEqual(['a', 'b', 'c']);
    expect(loop.activeKeys).toEqual(['a', 'b', 'c']);
    for (const run of runs) run.finish();
    await settle();
    expect(loop.activeKeys).toEqual(['a', 'b']);
    for (const run of runs) run.finish();
    await loop.idle();
    expect(loop.activeKeys).toEqual([]);
  });

  test('no key is ever active twice at once, and the last wake is always followed by an activation', async () => {
    const events = fc.array(fc.tuple(fc.constantFrom('a', 'b'), fc.nat(30)), { minLength: 1, maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(events, fc.array(fc.nat(20), { minLength: 1 }), async (wakes, durations) => {
        const active = new Set<string>();
        const lastStart = new Map<string, number>();
        const lastWake = new Map<string, number>();
        let clock = 0;
        let run = 0;
        const { loop } = start(async (key) => {
          expect(active.has(key)).toBe(false);
          active.add(key);
          lastStart.set(key, (clock += 1));
          const duration = durations[(run += 1) % durations.length] ?? 0;
          await new Promise((resolve) => setTimeout(resolve, duration));
          active.delete(key);
        });
        for (const [key, pause] of wakes) {
          lastWake.set(key, (clock += 1));
          loop.wake(key);
          await vi.advanceTimersByTimeAsync(pause);
        }
        await vi.advanceTimersByTimeAsync(10_000);
        for (const [key, woken] of lastWake) expect(lastStart.get(key)).toBeGreaterThan(woken);
        expect(loop.activeKeys).toEqual([]);
      }),
      { numRuns: 50 },
    );
  });

  test('an activation may ask to be woken later', async () => {
    const activate = vi.fn<Activate>().mockResolvedValueOnce({ againAfterMs: 5000 }).mockResolvedValue(undefined);
    const { loop } = start(activate);
    loop.wake('a');
    await vi.advanceTimersByTimeAsync(4999);
    expect(activate).toHaveBeenCalledTimes(1);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(activate).toHaveBeenCalledTimes(2);
  });
});

describe('failures', () => {
  test('are told, and tried again after a delay that doubles up to the limit', async () => {
    const { loop, failures, stop } = start(async () => Promise.reject(new Error('away')));
    loop.wake('a');
    await vi.advanceTimersByTimeAsync(20_000);
    stop();
    const delays = failures.map(({ nextInMs }) => nextInMs);
    expect(delays.length).toBeGreaterThan(8);
    for (const [index, delay] of delays.entries()) {
      const base = Math.min(1600, 100 * 2 ** index);
      expect(delay).toBeGreaterThanOrEqual(base * 0.75);
      expect(delay).toBeLessThanOrEqual(base * 1.25);
    }
    expect(failures.map(({ isRepeat }) => isRepeat)).toEqual(delays.map((_delay, index) => index > 0));
  });

  test('in other words are new, and a success forgets them', async () => {
    const activate = vi
      .fn<Activate>()
      .mockRejectedValueOnce(new Error('one'))
      .mockRejectedValueOnce(new Error('two'))
      .mockResolvedValueOnce(undefined)
      .mockRejectedValueOnce(new Error('two'));
    const { loop, failures, stop } = start(activate);
    loop.wake('a');
    await vi.advanceTimersByTimeAsync(1000);
    loop.wake('a');
    await settle();
    stop();
    expect(failures.map(({ isRepeat }) => isRepeat)).toEqual([false, false, false]);
    expect(failures[2]?.nextInMs).toBeLessThanOrEqual(125);
  });

  test('a wake does not wait for the delay', async () => {
    const activate = vi.fn<Activate>().mockRejectedValueOnce(new Error('away')).mockResolvedValue(undefined);
    const { loop } = start(activate);
    loop.wake('a');
    await settle();
    loop.wake('a');
    await settle();
    expect(activate).toHaveBeenCalledTimes(2);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(activate).toHaveBeenCalledTimes(2);
  });
});

describe('the end', () => {
  test('after the signal nothing is activated, told or waited for', async () => {
    const { runs, activate } = heldActivation();
    const { loop, failures, stop } = start(async (key, signal) => {
      await activate(key, signal);
      throw new Error('stopped');
    });
    loop.wake('a');
    loop.wake('a');
    stop();
    loop.wake('b');
    runs[0]?.finish();
    await loop.idle();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(runs.map(({ key }) => key)).toEqual(['a']);
    expect(failures).toEqual([]);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('close stops the timers', async () => {
    const { loop, failures } = start(async () => Promise.reject(new Error('away')));
    loop.wake('a');
    await settle();
    loop.close();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(failures).toHaveLength(1);
  });
});
