import { EcomputeError, ERROR_CODES, formatErrorChain, isAbort, toError } from '@etcd-compute/common/errors';
import { describe, expect, test } from 'vitest';

describe('formatErrorChain', () => {
  test('joins the messages of an error and its causes, outermost first', () => {
    const cause = new Error('connect ECONNREFUSED', { cause: new Error('no route') });
    const error = new EcomputeError('ECOMPUTE_ETCD_UNREACHABLE', 'could not list', { cause });
    expect(formatErrorChain(error)).toBe('could not list: connect ECONNREFUSED: no route');
  });

  test('says once what several of them say', () => {
    const cause = new Error('disk full', { cause: new Error('disk full') });
    expect(formatErrorChain(new Error('could not write: disk full', { cause }))).toBe('could not write: disk full');
  });

  test('ends, also when the causes go in a circle', () => {
    const error = new Error('round');
    error.cause = new Error('and round', { cause: error });
    expect(formatErrorChain(error)).toMatch(/^round: and round/);
  });

  test.each([
    ['text', 'text'],
    [{ status: 3 }, '{"status":3}'],
    [undefined, ''],
    [null, ''],
  ])('shows a thrown %j as %j', (thrown, text) => {
    expect(formatErrorChain(thrown)).toBe(text);
  });
});

describe('EcomputeError', () => {
  test('has its fields, and harmless ones when none are given', () => {
    const bare = new EcomputeError('ECOMPUTE_USAGE', 'no');
    expect(bare).toMatchObject({ code: 'ECOMPUTE_USAGE', hint: undefined, details: {}, retryable: false });
    expect('cause' in bare).toBe(false);
    const cause = new Error('why');
    const full = new EcomputeError('ECOMPUTE_INTERNAL', 'x', { cause, hint: 'h', details: { a: 1 }, retryable: true });
    expect(full).toMatchObject({ cause, hint: 'h', details: { a: 1 }, retryable: true });
  });

  test('codes are unique and begin alike', () => {
    expect(new Set(ERROR_CODES).size).toBe(ERROR_CODES.length);
    expect(ERROR_CODES.filter((code) => !/^ECOMPUTE_[A-Z_]+$/.test(code))).toEqual([]);
  });
});

test('isAbort knows aborts from failures', () => {
  expect(isAbort(AbortSignal.abort().reason)).toBe(true);
  expect(isAbort(new EcomputeError('ECOMPUTE_ABORTED', 'stopped'))).toBe(true);
  expect(isAbort(new EcomputeError('ECOMPUTE_TIMED_OUT', 'late'))).toBe(false);
  expect(isAbort('AbortError')).toBe(false);
});

test('toError keeps errors as they are', () => {
  const error = new TypeError('x');
  expect(toError(error)).toBe(error);
});
