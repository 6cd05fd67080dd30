import { stepsLeft } from '@etcd-compute/agent/instances/build';
import { TASKS } from '@etcd-compute/agent/kinds/tasks';
import { expect, test } from 'vitest';

test('stepsLeft: all, only the start, its end, or none', () => {
  expect(stepsLeft('absent', TASKS)).toBe(TASKS.build.steps);
  expect(stepsLeft('shut-off', TASKS)).toBe(TASKS.start.steps);
  expect(stepsLeft('paused', TASKS).map(({ name }) => name)).toEqual(['resume-domain']);
  expect(stepsLeft('running', TASKS)).toEqual([]);
});
