import { readInstances, type InstanceEntry } from '@etcd-compute/cloud/instances/instance-entry';
import { listInstances } from '@etcd-compute/cloud/instances/list-instances';
import { viewOf, type InstanceView } from '@etcd-compute/cloud/instances/view';
import { servicesOf, type CloudOptions } from '@etcd-compute/cloud';
import { instanceUuidSchema } from '@etcd-compute/common/ids';

/** The instances whose interfaces are ports. */
export interface InstanceReader {
  /** @param project undefined: of all. */
  readonly list: (project: string | undefined) => Promise<readonly InstanceView[]>;
  /** Those that are there, of any project. */
  readonly find: (ids: readonly string[]) => Promise<readonly InstanceView[]>;
}

/** Reads them from etcd as they are at each call. */
export const createInstanceReader = (
  options: CloudOptions,
  hostName: (host: string) => string | null,
): InstanceReader => ({
  list: async (project) => {
    const services = servicesOf({ ...options, ...(project !== undefined && { project }) });
    const isOfAllProjects = project === undefined;
    return (await listInstances(services, { isOfAllProjects, isBrief: true })).instances;
  },
  find: async (ids) => {
    const sought = ids.flatMap((id) => {
      const instance = instanceUuidSchema.safeParse(id).data;
      return instance ? [{ instance }] : [];
    });
    if (sought.length === 0) return [];
    const entries = await readInstances(servicesOf(options), sought);
    return entries.filter(isThere).map((entry) => viewOf(entry, hostName));
  },
});

const isThere = (entry: InstanceEntry | undefined): entry is InstanceEntry =>
  entry?.record ? entry.record.state !== 'deleted' : entry?.request !== undefined;
