import { instanceUuidSchema, providerUuidSchema, type InstanceUuid, type ProviderUuid } from '../ids.js';

/**
 * Every etcd key, built and parsed. `/hosts` and `/booted` are the original's and stay as they are; see WIRE in docs.
 * All stand under an optional prefix, which is empty by default, as in the original.
 */
export interface Keys {
  /** The boot request of an instance on a host. */
  readonly request: (host: ProviderUuid, instance: InstanceUuid) => string;
  /** All boot requests of a host; ends with a slash. */
  readonly requestsOf: (host: ProviderUuid) => string;
  /** All boot requests. */
  readonly requests: string;
  /** The record of an instance. */
  readonly record: (instance: InstanceUuid) => string;
  readonly records: string;
  /** The first address of an instance, plain text. */
  readonly booted: (instance: InstanceUuid) => string;
  readonly bootedAll: string;
  /** The presence of a host's agent. */
  readonly agent: (host: ProviderUuid) => string;
  readonly agents: string;
  /** The session that may write for a host, without a lease: every write of its agent compares it. */
  readonly session: (host: ProviderUuid) => string;
  /** What a host's agent found that does not fit together; without a lease, so it also tells which hosts are ours. */
  readonly audit: (host: ProviderUuid) => string;
  readonly audits: string;
  /** Where a host's agent serves consoles, with the secret that it takes; under the agent's lease. */
  readonly console: (host: ProviderUuid) => string;
  /** What a host's cache of images holds. */
  readonly imageReport: (host: ProviderUuid) => string;
  /** How far the downloads of a host's cache of images are; under the agent's lease. */
  readonly imageDownloads: (host: ProviderUuid) => string;
  /** A wish about a host's cache of images. */
  readonly imageWish: (host: ProviderUuid, id: string) => string;
  readonly imageWishesOf: (host: ProviderUuid) => string;
  /** Reports and wishes about all caches of images. */
  readonly images: string;
  /** Undefined unless `request` of the result is this very key: an upper-case uuid makes another key. */
  readonly parseRequest: (key: string) => { host: ProviderUuid; instance: InstanceUuid } | undefined;
  readonly parseRecord: (key: string) => InstanceUuid | undefined;
  readonly parseBooted: (key: string) => InstanceUuid | undefined;
  readonly parseAgent: (key: string) => ProviderUuid | undefined;
  readonly parseImageReport: (key: string) => ProviderUuid | undefined;
  readonly parseAudit: (key: string) => ProviderUuid | undefined;
}

/** @param prefix empty, or a path such as `/cloud1` without a slash at its end. */
export const createKeys = (prefix: string): Keys => {
  const requests = `${prefix}/hosts/`;
  const records = `${prefix}/instances/`;
  const bootedAll = `${prefix}/booted/`;
  const agents = `${prefix}/agents/`;
  const audits = `${prefix}/audits/`;
  const images = `${prefix}/images/`;
  const after = (start: string, key: string): string | undefined =>
    key.startsWith(start) ? key.slice(start.length) : undefined;
  /** The uuid, in the one spelling that keys have. */
  const exactly = <T extends string>(uuid: { data?: T | undefined }, text: string | undefined): T | undefined =>
    uuid.data === text ? uuid.data : undefined;
  return {
    requests,
    records,
    bootedAll,
    agents,
    audits,
    images,
    request: (host, instance) => `${requests}${host}/${instance}`,
    requestsOf: (host) => `${requests}${host}/`,
    record: (instance) => `${records}${instance}`,
    booted: (instance) => `${bootedAll}${instance}`,
    agent: (host) => `${agents}${host}`,
    session: (host) => `${prefix}/sessions/${host}`,
    console: (host) => `${prefix}/consoles/${host}`,
    audit: (host) => `${audits}${host}`,
    imageReport: (host) => `${images}${host}/report`,
    imageDownloads: (host) => `${images}${host}/downloads`,
    imageWish: (host, id) => `${images}${host}/wishes/${id}`,
    imageWishesOf: (host) => `${images}${host}/wishes/`,
    parseRequest: (key) => {
      const [hostText, instanceText, more] = after(requests, key)?.split('/') ?? [];
      const host = exactly(providerUuidSchema.safeParse(hostText), hostText);
      const instance = exactly(instanceUuidSchema.safeParse(instanceText), instanceText);
      return host && instance && more === undefined ? { host, instance } : undefined;
    },
    parseRecord: (key) => exactly(instanceUuidSchema.safeParse(after(records, key)), after(records, key)),
    parseBooted: (key) => exactly(instanceUuidSchema.safeParse(after(bootedAll, key)), after(bootedAll, key)),
    parseAudit: (key) => exactly(providerUuidSchema.safeParse(after(audits, key)), after(audits, key)),
    parseImageReport: (key) => {
      const [host, what, more] = after(images, key)?.split('/') ?? [];
      return what === 'report' && more === undefined ? exactly(providerUuidSchema.safeParse(host), host) : undefined;
    },
    parseAgent: (key) => exactly(providerUuidSchema.safeParse(after(agents, key)), after(agents, key)),
  };
};
