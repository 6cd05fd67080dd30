import type { Seen } from './list-servers.js';

/** From when to when, in milliseconds since 1970. */
export interface Period {
  readonly start: number;
  readonly end: number;
}

/** What a server was, and for how long of a period. */
export interface ServerUsage {
  readonly id: string;
  readonly project: string;
  readonly name: string;
  readonly flavor: string;
  readonly vcpus: number;
  readonly memoryMiB: number;
  readonly diskGiB: number;
  readonly startedAt: number;
  /** Null: it is there. */
  readonly endedAt: number | null;
  readonly state: string;
  /** Of the period. */
  readonly hours: number;
  /** Of its whole life so far. */
  readonly uptimeSeconds: number;
}

/** What all servers of a project were together. Units are a server's times hours. */
export interface ProjectUsage {
  readonly project: string;
  readonly servers: readonly ServerUsage[];
  readonly hours: number;
  readonly vcpuHours: number;
  readonly memoryMiBHours: number;
  readonly diskGiBHours: number;
}

const MS_PER_HOUR = 3_600_000;

/**
 * What servers have used of a period, sorted by project and id. A server counts from its first start until it is deleted, also while it is
 * off: it keeps its room. It counts as the flavor that it has now. Pure.
 *
 * @param now in milliseconds since 1970: a period does not reach beyond it.
 */
export const reportUsage = (
  servers: Iterable<Seen>,
  { start, end, now }: Period & { readonly now: number },
): readonly ServerUsage[] => {
  const until = Math.min(end, now);
  return [...servers]
    .flatMap((item) => {
      const usage = usageIn(item, { start, end: until }, now);
      return usage ? [usage] : [];
    })
    .toSorted((a, b) => compare(a.project, b.project) || compare(a.id, b.id));
};

const compare = (a: string, b: string): number => {
  if (a === b) return 0;
  return a < b ? -1 : 1;
};

/** Undefined: it was not there. */
const usageIn = ({ server, status }: Seen, { start, end }: Period, now: number): ServerUsage | undefined => {
  if (server.launched_at === null) return undefined;
  const startedAt = Date.parse(server.launched_at);
  const endedAt = server.deleted_at === null ? null : Date.parse(server.deleted_at);
  const lastMs = Math.min(endedAt ?? end, end);
  if (startedAt >= end || lastMs < start || endedAt === start) return undefined;
  const { flavor } = server;
  return {
    id: server.id,
    project: server.project,
    name: server.name,
    flavor: flavor.name,
    vcpus: flavor.vcpus,
    memoryMiB: flavor.ram_mib,
    diskGiB: flavor.disk_gib + flavor.ephemeral_gib,
    startedAt,
    endedAt,
    state: endedAt === null ? status.vmState : 'terminated',
    hours: (lastMs - Math.max(startedAt, start)) / MS_PER_HOUR,
    uptimeSeconds: Math.max(0, Math.floor(((endedAt ?? now) - startedAt) / 1000)),
  };
};

/** @param servers sorted by project. */
export const sumByProject = (servers: readonly ServerUsage[]): readonly ProjectUsage[] => {
  const projects = new Map<string, ServerUsage[]>();
  for (const usage of servers) {
    const before = projects.get(usage.project);
    if (before) before.push(usage);
    else projects.set(usage.project, [usage]);
  }
  return [...projects].map(([project, own]) => {
    const sum = (amountOf: (usage: ServerUsage) => number): number =>
      own.reduce((total, usage) => total + amountOf(usage) * usage.hours, 0);
    return {
      project,
      servers: own,
      hours: sum(() => 1),
      vcpuHours: sum(({ vcpus }) => vcpus),
      memoryMiBHours: sum(({ memoryMiB }) => memoryMiB),
      diskGiBHours: sum(({ diskGiB }) => diskGiB),
    };
  });
};
