import type { Report } from '../state/report.js';
import type { Server } from '../state/server-record.js';
import { isOpen } from './settle.js';

/** What a server is, in Nova's words: https://docs.openstack.org/nova/latest/reference/vm-states.html */
export interface Status {
  readonly status: string;
  readonly vmState: VmState;
  readonly taskState: string | null;
  /** 0: nobody knows, 1: it runs, 3: paused, 4: off. */
  readonly powerState: 0 | 1 | 3 | 4;
}

export type VmState =
  | 'building'
  | 'active'
  | 'paused'
  | 'stopped'
  | 'suspended'
  | 'resized'
  | 'shelved_offloaded'
  | 'error'
  | 'deleted';

/** @param server settled. */
export const statusOf = (server: Server, report: Report | undefined): Status => {
  const vmState = vmStateOf(server, report);
  const taskState = taskStateOf(server, report);
  return { vmState, taskState, status: toStatus(vmState, taskState), powerState: powerOf(report) };
};

const vmStateOf = (
  { deleted_at, is_placed, resize, launched_at, fault }: Server,
  report: Report | undefined,
): VmState => {
  if (deleted_at !== null) return 'deleted';
  if (!is_placed) return 'error';
  switch (report?.state) {
    case 'active':
      if (report.paused !== null) return 'paused';
      return resize && resize.phase !== 'resizing' ? 'resized' : 'active';
    case 'stopped':
      return resize && resize.phase !== 'resizing' ? 'resized' : 'stopped';
    case 'suspended':
      return 'suspended';
    case 'shelved':
      return 'shelved_offloaded';
    case 'error':
      return report.canMoveOn && fault === null ? 'building' : 'error';
    case 'deleting':
    case 'deleted':
      return launched_at === null ? 'building' : 'active';
    case 'scheduled':
    case 'building':
    case undefined:
      // What had a guest before comes back from copies of its disks.
      return launched_at === null ? 'building' : 'shelved_offloaded';
  }
};

const taskStateOf = ({ deleting_at, deleted_at, actions, is_placed, fault }: Server, report: Report | undefined) => {
  if (deleted_at !== null || !is_placed) return null;
  if (deleting_at !== null || report?.state === 'deleting' || report?.state === 'deleted') return 'deleting';
  if (!report || report.state === 'scheduled' || (report.state === 'error' && report.canMoveOn && fault === null))
    return 'scheduling';
  if (report.state === 'building') return 'spawning';
  // The oldest is carried out first.
  return actions.findLast((action) => isOpen(action) && action.task_state !== null)?.task_state ?? null;
};

/** What people see instead while something is done. */
const BY_TASK: Readonly<Record<string, string>> = {
  rebooting: 'REBOOT',
  rebooting_hard: 'HARD_REBOOT',
  rebuilding: 'REBUILD',
  resize_prep: 'RESIZE',
  resize_reverting: 'REVERT_RESIZE',
};

const BY_STATE: Readonly<Record<VmState, string>> = {
  building: 'BUILD',
  active: 'ACTIVE',
  paused: 'PAUSED',
  stopped: 'SHUTOFF',
  suspended: 'SUSPENDED',
  resized: 'VERIFY_RESIZE',
  shelved_offloaded: 'SHELVED_OFFLOADED',
  error: 'ERROR',
  deleted: 'DELETED',
};

/** Nova's, with those that no server here has. */
export const STATUSES: ReadonlySet<string> = new Set([
  ...Object.values(BY_STATE),
  ...Object.values(BY_TASK),
  'MIGRATING',
  'PASSWORD',
  'RESCUE',
  'SHELVED',
  'SOFT_DELETED',
  'UNKNOWN',
]);

const toStatus = (vmState: VmState, taskState: string | null): string =>
  (taskState === null ? undefined : BY_TASK[taskState]) ?? BY_STATE[vmState];

const POWER: Partial<Record<Report['state'], Status['powerState']>> = {
  active: 1,
  stopped: 4,
  suspended: 4,
  shelved: 4,
};

const powerOf = (report: Report | undefined): Status['powerState'] => {
  if (report?.state === 'active' && report.paused !== null) return 3;
  return (report && POWER[report.state]) ?? 0;
};
