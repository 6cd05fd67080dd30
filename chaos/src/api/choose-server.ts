import { settle } from '@etcd-compute/api/compute/servers/engine/settle';
import { statusOf, type Status } from '@etcd-compute/api/compute/servers/engine/status';
import { reportOf } from '@etcd-compute/api/compute/servers/state/report';
import type { Server } from '@etcd-compute/api/compute/servers/state/server-record';
import type { Stage } from '../stage.js';
import type { World } from '../world.js';
import { readEtcd } from '../world/read-etcd.js';
import { specOfRequest } from './request-kinds.js';
import type { ApiRequest } from './plan-requests.js';

/** A server as its users see it. */
export interface SeenServer {
  readonly server: Server;
  readonly status: Status;
}

/** Those that are not deleted, in the order of their names. */
export const seeServers = ({ api, records }: Pick<World, 'api' | 'records'>): SeenServer[] => {
  const reports = new Map(records.map((record) => [record.instance as string, reportOf(record)]));
  return [...api.servers.values()]
    .filter(({ deleted_at }) => deleted_at === null)
    .map((stored) => {
      const report = reports.get(stored.id);
      const server = settle(stored, report);
      return { server, status: statusOf(server, report) };
    })
    .toSorted((a, b) => (a.server.name < b.server.name ? -1 : 1));
};

/** One that can be asked so now, or else any. @returns undefined when there is none, or etcd cannot be read. */
export const chooseServer = async (stage: Stage, { kind, draw }: ApiRequest): Promise<SeenServer | undefined> => {
  const world = await readEtcd(stage).catch(() => undefined);
  const all = world ? seeServers(world) : [];
  const { from } = specOfRequest(kind);
  const fitting = all.filter(({ status }) => (from?.includes(status.vmState) ?? true) && status.taskState === null);
  const some = fitting.length > 0 ? fitting : all;
  return some[draw % some.length];
};
