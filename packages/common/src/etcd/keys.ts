import {
  instanceNameSchema,
  instanceUuidSchema,
  projectSchema,
  providerUuidSchema,
  type InstanceUuid,
  type ProviderUuid,
} from '../ids.js';

/**
 * Every etcd key, built and parsed. `/hosts` and `/booted` are the original's and stay as they are. All stand under an optional prefix,
 * which is empty by default, as in the original. What an agent writes stands below its host, `/booted` excepted.
 */
export interface Keys {
  /** The boot request of an instance on a host. */
  readonly request: (host: ProviderUuid, instance: InstanceUuid) => string;
  /** All boot requests of a host; ends with a slash. */
  readonly requestsOf: (host: ProviderUuid) => string;
  /** All boot requests. */
  readonly requests: string;
  /** The record of an instance on a host. */
  readonly report: (host: ProviderUuid, instance: InstanceUuid) => string;
  readonly reportsOf: (host: ProviderUuid) => string;
  readonly reports: string;
  /** Where an instance is. In version 1 its record stood there. */
  readonly location: (instance: InstanceUuid) => string;
  readonly locations: string;
  /** Who has a name in a project. An instance without one stands there under its uuid, so `namesOf` has every instance of a project. */
  readonly name: (project: string, nameOrUuid: string) => string;
  /** All names in a project; ends with a slash. */
  readonly namesOf: (project: string) => string;
  readonly names: string;
  /** Exists once every instance stands below its project: earlier versions left out those without a name. */
  readonly namesComplete: string;
  /** An instance that was asked to be destroyed, and whose location and name are still there. */
  readonly ending: (instance: InstanceUuid) => string;
  readonly endings: string;
  /** The first address of an instance, plain text. */
  readonly booted: (instance: InstanceUuid) => string;
  readonly bootedAll: string;
  /** The presence of a host's agent. */
  readonly agent: (host: ProviderUuid) => string;
  readonly agents: string;
  /** The session that may write for a host, without a lease: every write of its agent compares it. */
  readonly session: (host: ProviderUuid) => string;
  readonly sessions: string;
  /** An operator's wish that a host takes nothing new. */
  readonly drain: (host: ProviderUuid) => string;
  readonly drains: string;
  /** What a host's agent found that does not fit together; without a lease, so it also tells which hosts are ours. */
  readonly audit: (host: ProviderUuid) => string;
  readonly audits: string;
  /** Where a host's agent serves consoles, with the secret that it takes; under the agent's lease. */
  readonly console: (host: ProviderUuid) => string;
  readonly consoles: string;
  /** Where a host's agent serves, without a secret; under the agent's lease. */
  readonly endpoint: (host: ProviderUuid) => string;
  readonly endpoints: string;
  /** What a host's cache of images holds. */
  readonly imageReport: (host: ProviderUuid) => string;
  /** All about a host's cache of images; ends with a slash. */
  readonly imagesOf: (host: ProviderUuid) => string;
  /** How far the downloads of a host's cache of images are; under the agent's lease. */
  readonly imageDownloads: (host: ProviderUuid) => string;
  /** A wish about a host's cache of images. */
  readonly imageWish: (host: ProviderUuid, id: string) => string;
  readonly imageWishesOf: (host: ProviderUuid) => string;
  /** A snapshot that a host holds. */
  readonly imageSnapshot: (host: ProviderUuid, named: SnapshotName) => string;
  readonly imageSnapshotsOf: (host: ProviderUuid) => string;
  /** Who has the name of a snapshot in a project. */
  readonly snapshot: (named: SnapshotName) => string;
  readonly snapshots: string;
  /** Where a server of images serves, without a secret; under its lease. Below `endpoints`, which agents may read. */
  readonly imageServer: (id: string) => string;
  readonly imageServers: string;
  /** Images as users know them; ends with a slash. */
  readonly image: string;
  /** All that Placement keeps, where etcd is its store; ends with a slash. */
  readonly placement: string;
  /** Users, projects, tokens; ends with a slash. */
  readonly identity: string;
  /** What the compute API keeps beside instances; ends with a slash. */
  readonly compute: string;
  /** Reports and wishes about all caches of images. */
  readonly images: string;
  /** Undefined unless `request` of the result is this very key: an upper-case uuid makes another key. */
  readonly parseRequest: (key: string) => { host: ProviderUuid; instance: InstanceUuid } | undefined;
  readonly parseReport: (key: string) => { host: ProviderUuid; instance: InstanceUuid } | undefined;
  readonly parseLocation: (key: string) => InstanceUuid | undefined;
  readonly parseName: (key: string) => { project: string; name: string } | undefined;
  readonly parseEnding: (key: string) => InstanceUuid | undefined;
  readonly parseBooted: (key: string) => InstanceUuid | undefined;
  readonly parseAgent: (key: string) => ProviderUuid | undefined;
  readonly parseImageSnapshot: (key: string) => (SnapshotName & { host: ProviderUuid }) | undefined;
  readonly parseImageReport: (key: string) => ProviderUuid | undefined;
  readonly parseAudit: (key: string) => ProviderUuid | undefined;
  readonly parseDrain: (key: string) => ProviderUuid | undefined;
  readonly parseSession: (key: string) => ProviderUuid | undefined;
}

export interface SnapshotName {
  readonly project: string;
  readonly name: string;
}

/** @param prefix empty, or a path such as `/cloud1` without a slash at its end. */
export const createKeys = (prefix: string): Keys => {
  const requests = `${prefix}/hosts/`;
  const reports = `${prefix}/reports/`;
  const locations = `${prefix}/instances/`;
  const names = `${prefix}/names/`;
  const endings = `${prefix}/ending/`;
  const bootedAll = `${prefix}/booted/`;
  const agents = `${prefix}/agents/`;
  const audits = `${prefix}/audits/`;
  const images = `${prefix}/images/`;
  const consoles = `${prefix}/consoles/`;
  const sessions = `${prefix}/sessions/`;
  const drains = `${prefix}/drains/`;
  const endpoints = `${prefix}/endpoints/`;
  const snapshots = `${prefix}/snapshots/`;
  const placement = `${prefix}/placement/`;
  const identity = `${prefix}/identity/`;
  const compute = `${prefix}/compute/`;
  const image = `${prefix}/image/`;
  const imageServers = `${endpoints}images/`;
  const after = (start: string, key: string): string | undefined =>
    key.startsWith(start) ? key.slice(start.length) : undefined;
  /** The uuid, in the one spelling that keys have. */
  const exactly = <T extends string>(uuid: { data?: T | undefined }, text: string | undefined): T | undefined =>
    uuid.data === text ? uuid.data : undefined;
  const instanceAfter = (start: string, key: string): InstanceUuid | undefined =>
    exactly(instanceUuidSchema.safeParse(after(start, key)), after(start, key));
  const hostAfter = (start: string, key: string): ProviderUuid | undefined =>
    exactly(providerUuidSchema.safeParse(after(start, key)), after(start, key));
  const pairAfter = (start: string, key: string): { host: ProviderUuid; instance: InstanceUuid } | undefined => {
    const [hostText, instanceText, more] = after(start, key)?.split('/') ?? [];
    const host = exactly(providerUuidSchema.safeParse(hostText), hostText);
    const instance = exactly(instanceUuidSchema.safeParse(instanceText), instanceText);
    return host && instance && more === undefined ? { host, instance } : undefined;
  };
  const nameOf = ([project, name, more]: readonly string[] = []): { project: string; name: string } | undefined => {
    const isName = projectSchema.safeParse(project).success && instanceNameSchema.safeParse(name).success;
    return isName && project !== undefined && name !== undefined && more === undefined ? { project, name } : undefined;
  };
  return {
    requests,
    reports,
    locations,
    names,
    endings,
    bootedAll,
    agents,
    audits,
    images,
    request: (host, instance) => `${requests}${host}/${instance}`,
    requestsOf: (host) => `${requests}${host}/`,
    report: (host, instance) => `${reports}${host}/${instance}`,
    reportsOf: (host) => `${reports}${host}/`,
    location: (instance) => `${locations}${instance}`,
    name: (project, nameOrUuid) => `${names}${project}/${nameOrUuid}`,
    namesOf: (project) => `${names}${project}/`,
    // No project begins with a dot.
    namesComplete: `${names}.complete`,
    ending: (instance) => `${endings}${instance}`,
    booted: (instance) => `${bootedAll}${instance}`,
    agent: (host) => `${agents}${host}`,
    sessions,
    session: (host) => `${sessions}${host}`,
    drains,
    drain: (host) => `${drains}${host}`,
    consoles,
    endpoints,
    endpoint: (host) => `${endpoints}${host}`,
    console: (host) => `${consoles}${host}`,
    audit: (host) => `${audits}${host}`,
    imagesOf: (host) => `${images}${host}/`,
    imageReport: (host) => `${images}${host}/report`,
    imageDownloads: (host) => `${images}${host}/downloads`,
    imageSnapshot: (host, { project, name }) => `${images}${host}/snapshots/${project}/${name}`,
    imageSnapshotsOf: (host) => `${images}${host}/snapshots/`,
    placement,
    identity,
    compute,
    image,
    imageServers,
    imageServer: (id) => `${imageServers}${id}`,
    snapshots,
    snapshot: ({ project, name }) => `${snapshots}${project}/${name}`,
    imageWish: (host, id) => `${images}${host}/wishes/${id}`,
    imageWishesOf: (host) => `${images}${host}/wishes/`,
    parseRequest: (key) => pairAfter(requests, key),
    parseReport: (key) => pairAfter(reports, key),
    parseLocation: (key) => instanceAfter(locations, key),
    parseName: (key) => nameOf(after(names, key)?.split('/')),
    parseEnding: (key) => instanceAfter(endings, key),
    parseBooted: (key) => instanceAfter(bootedAll, key),
    parseAudit: (key) => hostAfter(audits, key),
    parseDrain: (key) => hostAfter(drains, key),
    parseSession: (key) => hostAfter(sessions, key),
    parseImageSnapshot: (key) => {
      const [hostText, what, ...named] = after(images, key)?.split('/') ?? [];
      const host = exactly(providerUuidSchema.safeParse(hostText), hostText);
      const name = what === 'snapshots' ? nameOf(named) : undefined;
      return host && name && { host, ...name };
    },
    parseImageReport: (key) => {
      const [host, what, more] = after(images, key)?.split('/') ?? [];
      return what === 'report' && more === undefined ? exactly(providerUuidSchema.safeParse(host), host) : undefined;
    },
    parseAgent: (key) => hostAfter(agents, key),
  };
};
