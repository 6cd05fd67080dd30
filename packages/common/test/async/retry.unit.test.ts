import { retry } from '@etcd-compute/common/async/retry';
import { expect, test } from 'vitest';

const failing = (times: number): (() => Promise<string>) => {
  let calls = 0;
  return async () => {
    calls += 1;
    if (calls <= times) throw new Error(`failure ${calls}`);
    return `success ${calls}`;
  };
};

const upTo =
  (attempts: number) =>
  (_err: unknown, attempt: number): boolean =>
    attempt < attempts;

test('retry: until it succeeds, or it is not worth it any more', async () => {
  expect(await retry(failing(2), { isWorthIt: upTo(3) })).toBe('success 3');
  await expect(retry(failing(3), { isWorthIt: upTo(3) })).rejects.toThrow('failure 3');
  await expect(retry(failing(1), { isWorthIt: () => false })).rejects.toThrow('failure 1');
});

test('retry: an abort ends it with its own reason, also in the pause', async () => {
  const aborted = new AbortController();
  const reason = new Error('enough');
  const isWorthIt = (): boolean => {
    setImmediate(() => aborted.abort(reason));
    return true;
  };
  const { signal } = aborted;
  const pause = { minMs: 60_000, maxMs: 60_000 };
  await expect(retry(failing(9), { isWorthIt, pause, signal })).rejects.toMatchObject({ name: 'AbortError' });
  await expect(retry(failing(0), { isWorthIt, signal })).rejects.toBe(reason);
});
