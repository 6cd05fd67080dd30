import { noteAttempt, readError, type Ledger } from '@etcd-compute/chaos/ledger';
import { renamed, type OperationKind } from '@etcd-compute/chaos/operation-kinds';
import type { Attempt } from '@etcd-compute/chaos/operations';
import { newInstanceUuid } from '@etcd-compute/common/ids';
import { expect, test } from 'vitest';

const instance = newInstanceUuid();
const MANY: Attempt['operation'] = { atMs: 0, kind: 'boot-many', name: 'web', count: 2, image: 'a' };
const attempt = (changes: Partial<Attempt>): Attempt => ({
  operation: MANY,
  startedAt: new Date(0),
  durationMs: 1,
  code: 1,
  signal: null,
  isHung: false,
  stdout: '',
  stderr: '',
  ...changes,
});
const told = (changes: Partial<Attempt>): (readonly [string, string, string | undefined])[] => {
  const ledger: Ledger = new Map();
  noteAttempt(ledger, attempt(changes));
  return [...ledger.values()].map(({ name, boot, instance: uuid }) => [name, boot, uuid] as const);
};
const ERROR = JSON.stringify({ code: 'ECOMPUTE_NO_HOST', message: 'no host' });
const UNSURE = JSON.stringify({ code: 'ECOMPUTE_ETCD_UNREACHABLE', message: 'could not find out whether it is there' });

test.each<[string, Partial<Attempt>, string]>([
  ['refused', { stderr: ERROR }, 'refused'],
  ['unknown when one reason is that nobody knows', { stderr: `${UNSURE}\n${ERROR}` }, 'unknown'],
  ['unknown when nothing was said', {}, 'unknown'],
  ['unknown after a kill', { code: null, signal: 'SIGKILL', stderr: ERROR }, 'unknown'],
])('of two instances that are booted at once, one that is not listed is %s', (_, changes, expected) => {
  const stdout = JSON.stringify([{ instance, name: 'web-1' }]);
  expect(told({ ...changes, stdout })).toEqual([
    ['web-1', 'accepted', instance],
    ['web-2', expected, undefined],
  ]);
});

test('a command without --output says why in words', () => {
  const operation = { ...MANY, kind: 'logs' } as const;
  expect(readError({ operation, stderr: 'eschedule: there is no log\nhint: wait\n' })?.message).toBe('there is no log');
  expect(readError({ operation, stderr: 'Segmentation fault' })).toBeUndefined();
  const internal = 'eschedule: x is undefined\nhint: this is a fault of eschedule itself; --debug shows where\n';
  expect(readError({ operation, stderr: internal })?.code).toBe('ECOMPUTE_INTERNAL');
});

test('an instance that was renamed is destroyed by its new name', () => {
  const ledger: Ledger = new Map();
  const ask = (kind: OperationKind, name: string): void =>
    noteAttempt(ledger, attempt({ operation: { atMs: 0, kind, name, image: 'a' }, code: 0 }));
  ask('rename', 'web');
  ask('destroy', renamed('web'));
  expect([...new Set(ledger.values())]).toMatchObject([{ name: 'web', destroy: 'accepted' }]);
});
