import { isDeepStrictEqual } from 'node:util';
import type { BootRequest } from '../etcd/messages/boot-request.js';
import type { InstanceRecord } from '../etcd/messages/instance-record.js';

type Reported = Pick<InstanceRecord, 'name' | 'locked'>;

/** What the record of an instance repeats of its request: whoever lists instances reads records alone. */
export const reportedOf = ({ name, locked }: Pick<BootRequest, 'name' | 'locked'>): Reported => ({
  name: name ?? null,
  locked: locked ?? null,
});

/** Whether the agent has seen to all edits. */
export const isReported = (request: BootRequest, { name, locked }: Reported): boolean =>
  isDeepStrictEqual(reportedOf(request), { name, locked });
