import { readMicroversion } from '@etcd-compute/placement/http/microversion';
import { expect, test } from 'vitest';

test.each([
  [undefined, 0],
  ['compute 2.1', 0],
  ['placement 1.12', 12],
  ['PLACEMENT latest', 39],
  // Several services may be named, and a service twice: the last counts.
  ['placement 1.3, compute 2.1, placement 1.4', 4],
])('%j is 1.%d', (header, version) => {
  expect(readMicroversion(header)).toEqual({ version });
});

test.each([
  ['placement 1.40', 406],
  ['placement 2.0', 406],
  ['placement one', 400],
  ['placement 1.2.3', 400],
])('%j is refused with %d', (header, status) => {
  expect(readMicroversion(header)).toMatchObject({ status });
});
