import { statusOf } from '@etcd-compute/api/compute/servers/engine/status';
import type { Report } from '@etcd-compute/api/compute/servers/state/report';
import type { Server } from '@etcd-compute/api/compute/servers/state/server-record';
import { expect, test } from 'vitest';
import { aFlavor, anAction, aReport, aServer, LATER } from './builders.js';

const NO_HOST = { code: 500, message: 'No valid host was found.', created_at: LATER };

type Seen = readonly [Partial<Server>, Partial<Report>];
type Expected = readonly [status: string, taskState: string | null, powerState: number];

test.each<[string, Seen, Expected]>([
  ['placed', [{ launched_at: null }, { state: 'scheduled' }], ['BUILD', 'scheduling', 0]],
  ['being built', [{ launched_at: null }, { state: 'building' }], ['BUILD', 'spawning', 0]],
  ['running', [{}, {}], ['ACTIVE', null, 1]],
  ['paused', [{}, { paused: 'user' }], ['PAUSED', null, 3]],
  ['off', [{}, { state: 'stopped' }], ['SHUTOFF', null, 4]],
  ['on disk', [{}, { state: 'suspended' }], ['SUSPENDED', null, 4]],
  ['shelved', [{}, { state: 'shelved' }], ['SHELVED_OFFLOADED', null, 4]],
  ['on its way back', [{}, { state: 'building' }], ['SHELVED_OFFLOADED', 'spawning', 0]],
  ['broken', [{}, { state: 'error' }], ['ERROR', null, 0]],
  ['to be built elsewhere', [{ launched_at: null }, { state: 'error', canMoveOn: true }], ['BUILD', 'scheduling', 0]],
  ['built nowhere', [{ fault: NO_HOST }, { state: 'error', canMoveOn: true }], ['ERROR', null, 0]],
  ['without a host', [{ is_placed: false, fault: NO_HOST }, { state: 'scheduled' }], ['ERROR', null, 0]],
  ['to be deleted', [{ deleting_at: LATER }, {}], ['ACTIVE', 'deleting', 1]],
  ['deleted', [{ deleting_at: LATER, deleted_at: LATER }, { state: 'deleted' }], ['DELETED', null, 0]],
  ['resized', [{ resize: { phase: 'verify', flavor: aFlavor(2) } }, {}], ['VERIFY_RESIZE', null, 1]],
  ['rebooting', [{ actions: [anAction({ task_state: 'rebooting' })] }, {}], ['REBOOT', 'rebooting', 1]],
  ['rebuilding', [{ actions: [anAction({ task_state: 'rebuilding' })] }, {}], ['REBUILD', 'rebuilding', 1]],
])('%s', (_what, [server, report], [status, taskState, powerState]) => {
  expect(statusOf(aServer(server), aReport(report))).toMatchObject({ status, taskState, powerState });
});

test('the agent has not said anything yet', () => {
  expect(statusOf(aServer({ launched_at: null }), undefined)).toMatchObject({ status: 'BUILD', vmState: 'building' });
});
