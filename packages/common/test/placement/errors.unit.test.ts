import { isConcurrentUpdate, refusal } from '@etcd-compute/common/placement/errors';
import { expect, test } from 'vitest';

/** As Placement words it, with the status line before the reason. */
const answer = (status: number, error: { detail: string; code?: string }): boolean =>
  isConcurrentUpdate(
    refusal(
      { status, headers: {}, text: JSON.stringify({ errors: [error] }) },
      { verb: 'write the traits', method: 'PUT', path: '/traits' },
      'http://placement',
    ),
  );

test.each([
  ['a generation that moved on', 409, { detail: 'x', code: 'placement.concurrent_update' }, true],
  [
    'two writes of traits that met',
    500,
    { detail: 'Another thread concurrently updated the resource provider data. Please retry your update' },
    true,
  ],
  ['two writes that met in SQLite', 500, { detail: '(sqlite3.OperationalError) database is locked' }, true],
  ['no room', 409, { detail: 'Unable to allocate inventory', code: 'placement.undefined_code' }, false],
  ['a broken service', 500, { detail: 'The server has either erred or is incapable' }, false],
])('isConcurrentUpdate: %s', (...[, status, error, expected]) => {
  expect(answer(status, error)).toBe(expected);
});
