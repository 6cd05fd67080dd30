import { EcomputeError } from '@etcd-compute/common/errors';
import { newInstanceUuid } from '@etcd-compute/common/ids';
import { describe, expect, test } from 'vitest';
import { placeAll } from '@etcd-compute/cloud/placing/place-all';
import type { PlaceOutcome } from '@etcd-compute/cloud/placing/place-batch';
import type { InstanceSpec } from '@etcd-compute/cloud/placing/write-request';

const aSpec = (): InstanceSpec => ({
  instance: newInstanceUuid(),
  name: null,
  user: 'default',
  project: 'default',
  image: 'http://images.example/a.img',
  retry: { attempts_left: 0, query: '', strategy: 'spread', failed_hosts: [] },
  nameGuards: [],
});

const SLOW = new EcomputeError('ECOMPUTE_PLACEMENT_UNREACHABLE', 'no whole reply within 30 s', { retryable: true });
const REFUSED = new EcomputeError('ECOMPUTE_PLACEMENT_UNAUTHORIZED', 'the token is wrong');

/** @param answers of Placement to the first batch of 32, to the second, ...: an error, or undefined when all are placed. */
const placeBatches = async (answers: readonly (Error | undefined)[]): Promise<{ placed: number; tried: number }> => {
  let tried = 0;
  const placeMany = async (batch: readonly InstanceSpec[]): Promise<PlaceOutcome[]> => {
    const err = answers[tried];
    tried += 1;
    return batch.map(() => (err ? { outcome: 'failed', err } : { outcome: 'no-host', dropped: [] }));
  };
  const specs = Array.from({ length: 32 * answers.length }, aSpec);
  const outcomes = await placeAll({ placeMany }, specs, {
    guard: async (task) => task(),
    onPlaced: () => undefined,
  });
  return { placed: outcomes.filter(({ outcome }) => outcome !== 'failed').length / 32, tried };
};

describe('placeAll', () => {
  test('a batch that Placement was too slow for does not end the rest', async () => {
    expect(await placeBatches([undefined, SLOW, undefined, SLOW, undefined])).toEqual({ placed: 3, tried: 5 });
  });

  test('when two in a row fail, or one for good, the rest is not tried', async () => {
    expect(await placeBatches([undefined, SLOW, SLOW, undefined])).toEqual({ placed: 1, tried: 3 });
    expect(await placeBatches([undefined, REFUSED, undefined])).toEqual({ placed: 1, tried: 2 });
  });
});
