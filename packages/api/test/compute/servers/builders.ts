import { reportOf, type Report } from '@etcd-compute/api/compute/servers/state/report';
import { serverSchema, type Action, type Server } from '@etcd-compute/api/compute/servers/state/server-record';
import { newRecord } from '@etcd-compute/common/etcd/messages/instance-record';
import { instanceUuidSchema, newProviderUuid } from '@etcd-compute/common/ids';

const AT = '2026-01-01T00:00:00.000Z';
export const LATER = '2026-01-01T00:01:00.000Z';
const ID = '0d2f0c52-5f3c-4d39-9d0e-5d5a2a3c7a11';

export const aFlavor = (vcpus: number) => ({
  id: `f${vcpus}`,
  name: `f${vcpus}`,
  vcpus,
  ram_mib: 64 * vcpus,
  disk_gib: 1,
  ephemeral_gib: 0,
  extra_specs: {},
});

export const anAction = (changes: Partial<Action> = {}): Action => ({
  request_id: 'req-1',
  action: 'stop',
  user: 'u',
  project: 'p',
  started_at: AT,
  task_state: 'powering-off',
  count: 1,
  finished_at: null,
  result: null,
  message: null,
  ...changes,
});

export const aServer = (changes: Partial<Server> = {}): Server => ({
  ...serverSchema.parse({
    version: 1,
    id: ID,
    project: 'p',
    user: 'u',
    name: 'web',
    description: null,
    hostname: 'web',
    created_at: AT,
    updated_at: AT,
    launched_at: AT,
    deleting_at: null,
    deleted_at: null,
    is_placed: true,
    flavor: aFlavor(1),
    resize: null,
    image: ID,
    key_name: null,
    user_data: null,
    metadata: {},
    tags: [],
    availability_zone: null,
    group: null,
    has_config_drive: false,
    disk_config: 'AUTO',
    access_ipv4: '',
    access_ipv6: '',
    reservation_id: 'r-1',
    launch_index: 0,
    locked: null,
    fault: null,
    actions: [],
  }),
  ...changes,
});

export const aReport = (changes: Partial<Report> = {}): Report => ({
  ...reportOf(
    newRecord({
      instance: instanceUuidSchema.parse(ID),
      host: newProviderUuid(),
      name: null,
      resources: {},
      image: null,
      reason: 'test',
      now: new Date(AT),
    }),
  ),
  state: 'active',
  updated_at: LATER,
  ...changes,
});

export const aFault = (message: string) => ({
  code: 'ECOMPUTE_WISH_FAILED',
  message,
  step: null,
  hint: null,
  retryable: false,
});
