import { negotiate, NEWEST } from '@etcd-compute/common/placement/microversion';
import { describe, expect, test } from 'vitest';

const notAcceptable = (min: string, max: string): string =>
  JSON.stringify({ errors: [{ status: 406, title: 'Not Acceptable', max_version: max, min_version: min }] });

describe('negotiate', () => {
  test('an older Placement: its newest', () => {
    expect(negotiate(notAcceptable('1.0', '1.30'), 'http://p')).toBe(30);
  });

  test('a newer one that has dropped ours: never a version that ours does not know', () => {
    expect(negotiate(notAcceptable('1.40', '1.50'), 'http://p')).toBe(NEWEST);
  });

  test.each(['', '<html>', '{}', '{"errors": []}', notAcceptable('2.0', '2.1')])('%j is no Placement', (text) => {
    expect(() => negotiate(text, 'http://p')).toThrow(
      expect.objectContaining({ code: 'ECOMPUTE_PLACEMENT_BAD_REPLY' }),
    );
  });
});
