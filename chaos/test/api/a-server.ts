import type { ApiState } from '@etcd-compute/chaos/world/read-api';
import { createApiReader } from '@etcd-compute/chaos/world/read-api';
import type { Server } from '@etcd-compute/api/compute/servers/state/server-record';
import { createKeys } from '@etcd-compute/common/etcd/keys';
import { instance, location, world } from '../healthy-world.js';
import type { World } from '@etcd-compute/chaos/world';

/** The world of `healthy-world`, in which the instance is a server of eapi's; each case breaks one thing in it. */
export const project = 'shop';
export const FLAVOR = {
  id: 'small',
  name: 'small',
  vcpus: 1,
  ram_mib: 64,
  disk_gib: 1,
  ephemeral_gib: 0,
  extra_specs: {},
};
const AT = '2026-01-01T00:00:00.000Z';

export const created: Server['actions'][number] = {
  request_id: 'req-1',
  action: 'create',
  user: 'keeper',
  project,
  started_at: AT,
  task_state: null,
  count: null,
  finished_at: AT,
  result: 'Success',
  message: null,
};

export const aServer = (changes: Partial<Server> = {}): Server => ({
  version: 1,
  id: instance,
  project,
  user: 'keeper',
  name: 's1-1',
  description: null,
  hostname: 's1-1',
  created_at: AT,
  updated_at: AT,
  launched_at: AT,
  deleting_at: null,
  deleted_at: null,
  is_placed: true,
  flavor: FLAVOR,
  resize: null,
  image: 'base',
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
  actions: [created],
  ...changes,
});

const NO_STATE = createApiReader(createKeys('')).state;

/** What eapi keeps. Left out: one server, and what it uses. */
export const aState = (changes: Partial<ApiState> & { readonly server?: Partial<Server> } = {}): ApiState => {
  const { server, ...rest } = changes;
  const one = aServer(server);
  return {
    ...NO_STATE,
    servers: new Map([[one.id, one]]),
    usage: new Map([[project, { instances: 1, cores: 1, ram: 64 }]]),
    ...rest,
  };
};

/** The instance is in the server's project. */
export const withApi = (api: ApiState = aState()): Partial<World> => ({
  api,
  locations: new Map([[instance, { ...location, project }]]),
  names: world.names.map((name) => ({ ...name, project })),
});
