import { closestWord } from '@etcd-compute/scheduler/usage';
import { expect, test } from 'vitest';

const WORDS = ['boot', 'list', 'show', 'destroy', 'hosts', 'memory', 'member-of'];

test.each([
  ['bot', 'boot'],
  ['lsit', 'list'],
  ['destory', 'destroy'],
  ['dest', 'destroy'],
  ['host', 'hosts'],
  ['memry', 'memory'],
  ['xyz', undefined],
  ['frobnicate', undefined],
])('closestWord: %s is meant as %s', (typed, expected) => {
  expect(closestWord(typed, WORDS)).toBe(expected);
});
