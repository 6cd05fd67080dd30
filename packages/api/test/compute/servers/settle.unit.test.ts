import { settle } from '@etcd-compute/api/compute/servers/engine/settle';
import { expect, test } from 'vitest';
import { aFault, aFlavor, anAction, aReport, aServer, LATER } from './builders.js';

test('nothing to settle: the very same server', () => {
  const server = aServer({ actions: [anAction({ finished_at: LATER, result: 'Success' })] });
  expect(settle(server, aReport())).toBe(server);
  const waiting = aServer({ actions: [anAction({ count: 2 })] });
  expect(settle(waiting, aReport({ wish_count: 1 }))).toBe(waiting);
  expect(settle(waiting, undefined)).toBe(waiting);
});

test('a wish that was carried out ends its action', () => {
  const server = aServer({ actions: [anAction()] });
  const outcome = { count: 1, kind: 'stop', at: LATER, fault: null };
  const settled = settle(server, aReport({ wish_count: 1, outcomes: [outcome] }));
  expect(settled).toMatchObject({ updated_at: LATER, actions: [{ result: 'Success', finished_at: LATER }] });
  const failed = settle(server, aReport({ wish_count: 1, outcomes: [{ ...outcome, fault: aFault('it hangs') }] }));
  expect(failed.actions).toMatchObject([{ result: 'Error', message: 'it hangs' }]);
});

test('it is launched when it first runs', () => {
  const create = anAction({ action: 'create', count: null, task_state: null });
  const server = aServer({ launched_at: null, actions: [create] });
  expect(settle(server, aReport({ state: 'building' }))).toBe(server);
  expect(settle(server, aReport())).toMatchObject({ launched_at: LATER, actions: [{ result: 'Success' }] });
});

test('what is in error carries out nothing more, unless another host may build it', () => {
  const server = aServer({ actions: [anAction({ count: 7 })] });
  const report = aReport({ state: 'error', fault: aFault('its disk is gone') });
  expect(settle(server, report).actions).toMatchObject([{ result: 'Error', message: 'its disk is gone' }]);
  expect(settle(server, { ...report, canMoveOn: true })).toBe(server);
});

test('a resize: the new flavor is its own when it is done, and the old one when it is taken back', () => {
  const outcome = { count: 1, kind: 'resize', at: LATER, fault: null };
  const report = aReport({ wish_count: 1, outcomes: [outcome] });
  const resizing = aServer({
    resize: { phase: 'resizing', flavor: aFlavor(2) },
    actions: [anAction({ action: 'resize' })],
  });
  const done = settle(resizing, report);
  expect(done).toMatchObject({ flavor: { id: 'f2' }, resize: { phase: 'verify', flavor: { id: 'f1' } } });
  const failed = settle(resizing, { ...report, outcomes: [{ ...outcome, fault: aFault('no room') }] });
  expect(failed).toMatchObject({ flavor: { id: 'f1' }, resize: null });
  const reverting = {
    ...done,
    resize: { phase: 'reverting' as const, flavor: aFlavor(1) },
    actions: [anAction({ action: 'revertResize' })],
  };
  expect(settle(reverting, report)).toMatchObject({ flavor: { id: 'f1' }, resize: null });
});
