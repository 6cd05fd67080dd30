import { createFailover } from '@etcd-compute/common/etcd/store-failover';
import { isBrokenCircuitError } from 'cockatiel';
import { GRPCUnavailableError } from 'etcd3';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const policyOf = (members: number) => {
  const policy = createFailover(members).faultHandling.host?.('one');
  if (!policy) throw new Error('there is no policy for a member');
  return policy;
};
const fail = async (): Promise<never> => {
  throw new GRPCUnavailableError('on purpose');
};

test('a member that failed is left out for a second, and is asked again then', async () => {
  const policy = policyOf(3);
  await expect(policy.execute(fail)).rejects.toThrow('on purpose');
  expect(await policy.execute(async () => 'asked').catch(isBrokenCircuitError)).toBe(true);
  vi.advanceTimersByTime(1000);
  expect(await policy.execute(async () => 'asked')).toBe('asked');
});

test('a refusal is no reason to leave a member out', async () => {
  const policy = policyOf(3);
  await expect(policy.execute(async () => Promise.reject(new Error('permission denied')))).rejects.toThrow('denied');
  expect(await policy.execute(async () => 'asked')).toBe('asked');
});

/** etcd3 asks for a new token within the call that was told that the old one is not valid. */
test('a call within the first one to a member that is back does not wait for that one', async () => {
  const policy = policyOf(3);
  await expect(policy.execute(fail)).rejects.toThrow('on purpose');
  vi.advanceTimersByTime(1000);
  const first = policy.execute(async () => {
    await Promise.resolve(); // the refusal comes later
    return policy.execute(async () => 'asked');
  });
  expect(await first).toBe('asked');
});

test('a lone member is asked always', async () => {
  const policy = policyOf(1);
  await expect(policy.execute(fail)).rejects.toThrow('on purpose');
  expect(await policy.execute(async () => 'asked')).toBe('asked');
});
