import { getEventListeners } from 'node:events';
import { withDeadline, withResolvers } from '@etcd-compute/common/async/deadline';
import { backoff, jitter, sleep } from '@etcd-compute/common/async/sleep';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});
afterEach(() => {
  vi.useRealTimers();
});

const never = async (): Promise<never> => new Promise<never>(() => undefined);

describe('withDeadline', () => {
  test('gives what the task gives, and leaves nothing behind', async () => {
    const outer = new AbortController();
    let inner: AbortSignal | undefined;
    const result = await withDeadline(
      async (signal) => {
        inner = signal;
        return Promise.resolve(7);
      },
      { timeoutMs: 1000, what: 'it', signal: outer.signal },
    );
    expect(result).toBe(7);
    expect(vi.getTimerCount()).toBe(0);
    expect(getEventListeners(outer.signal, 'abort')).toEqual([]);
    expect(inner?.aborted).toBe(true); // whatever the task still holds is told to end
  });

  test('a task that throws before it waits for anything leaves no timer, which would end the process', async () => {
    const task = (): Promise<never> => {
      throw new TypeError('no');
    };
    await expect(withDeadline(task, { timeoutMs: 1000, what: 'it' })).rejects.toThrow(TypeError);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('tells of a task that ends after it was given up, whatever its end; of no other', async () => {
    const onLateEnd = vi.fn<() => void>();
    const options = { timeoutMs: 1000, what: 'it', onLateEnd };
    await withDeadline(async () => 1, options);
    await expect(withDeadline(async () => Promise.reject(new TypeError('no')), options)).rejects.toThrow(TypeError);
    expect(onLateEnd).not.toHaveBeenCalled();
    for (const end of ['resolve', 'reject'] as const) {
      const late = withResolvers<void>();
      const given = withDeadline(async () => late.promise, options);
      vi.advanceTimersByTime(1000);
      await expect(given).rejects.toMatchObject({ code: 'ECOMPUTE_STEP_TIMED_OUT' });
      expect(onLateEnd).not.toHaveBeenCalled();
      if (end === 'resolve') late.resolve();
      else late.reject(new Error('too late'));
      await vi.waitFor(() => expect(onLateEnd).toHaveBeenCalledTimes(1));
      onLateEnd.mockClear();
    }
  });

  test('throws what the task throws', async () => {
    const failing = withDeadline(async () => Promise.reject(new TypeError('no')), { timeoutMs: 1000, what: 'it' });
    await expect(failing).rejects.toThrow(TypeError);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('at the deadline it fails, also when the task is deaf, and tells the task', async () => {
    let inner: AbortSignal | undefined;
    const late = withDeadline(
      async (signal) => {
        inner = signal;
        return never();
      },
      { timeoutMs: 1500, what: 'making a disk' },
    );
    const failure = late.catch((thrown: unknown) => thrown);
    await vi.advanceTimersByTimeAsync(1499);
    expect(inner?.aborted).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect(await failure).toMatchObject({
      code: 'ECOMPUTE_STEP_TIMED_OUT',
      message: 'making a disk did not finish within 1.5 s',
      retryable: true,
    });
    expect(inner?.aborted).toBe(true);
  });

  test('on abort it fails with the reason at once, also when the task is deaf', async () => {
    const outer = new AbortController();
    const reason = new Error('the wish changed');
    const waiting = withDeadline(never, { timeoutMs: 1000, what: 'it', signal: outer.signal });
    outer.abort(reason);
    await expect(waiting).rejects.toBe(reason);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('an abort before the start does not start the task', async () => {
    const task = vi.fn<() => Promise<never>>(never);
    const signal = AbortSignal.abort(new Error('stopped'));
    await expect(withDeadline(task, { timeoutMs: 1, what: 'it', signal })).rejects.toThrow('stopped');
    expect(task).not.toHaveBeenCalled();
  });
});

describe('delays', () => {
  test('jitter stays within a quarter', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 100_000 }), (delay) => {
        expect(Math.abs(jitter(delay) - delay)).toBeLessThanOrEqual(delay / 4 + 1);
      }),
    );
  });

  test('backoff grows to its limit and no further, for any number of attempts', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 10_000 }), (attempt) => {
        const delay = backoff(attempt, { minMs: 200, maxMs: 5000 });
        expect(delay).toBeGreaterThanOrEqual(150);
        expect(delay).toBeLessThanOrEqual(6250);
      }),
    );
  });

  test('sleep ends with an AbortError on abort', async () => {
    await expect(sleep(60_000, AbortSignal.abort())).rejects.toMatchObject({ name: 'AbortError' });
  });
});
