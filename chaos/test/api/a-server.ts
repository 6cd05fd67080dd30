import type { ApiState } from '@etcd-compute/chaos/world/read-api';
import { createApiReader } from '@etcd-compute/chaos/world/read-api';
import type { Server } from '@etcd-compute/api/compute/servers/state/server-record';
import { createKeys } from '@etcd-compute/common/etcd/keys';
import { aServer as aServerOfAny, anAction } from '../../../packages/api/test/compute/servers/builders.js';
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

export const created = anAction({
  action: 'create',
  user: 'keeper',
  project,
  task_state: null,
  count: null,
  finished_at: '2026-01-01T00:00:00.000Z',
  result: 'Success',
});

export const aServer = (changes: Partial<Server> = {}): Server =>
  aServerOfAny({
    id: instance,
    project,
    user: 'keeper',
    name: 's1-1',
    hostname: 's1-1',
    flavor: FLAVOR,
    image: 'base',
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
