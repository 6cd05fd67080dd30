import { shareRuns } from '@etcd-compute/common/async/share-runs';
import { withResolvers } from '@etcd-compute/common/async/deadline';
import { expect, test } from 'vitest';

test('a call gets a run that begins after it; all who wait share one', async () => {
  const runs: ReturnType<typeof withResolvers<number>>[] = [];
  const call = shareRuns(async () => {
    const run = withResolvers<number>();
    runs.push(run);
    return run.promise;
  });
  const first = call();
  await Promise.resolve();
  const [second, third] = [call(), call()];
  expect(runs).toHaveLength(1);
  runs[0]?.resolve(1);
  expect(await first).toBe(1);
  await Promise.resolve();
  expect(runs).toHaveLength(2);
  runs[1]?.resolve(2);
  expect(await Promise.all([second, third])).toEqual([2, 2]);
});

test('a run that fails fails for those who shared it, and the next is another', async () => {
  let count = 0;
  const call = shareRuns(async () => {
    count += 1;
    if (count === 1) throw new Error('away');
    return count;
  });
  const both = [call(), call()];
  for (const one of both) await expect(one).rejects.toThrow('away');
  expect(await call()).toBe(2);
});
