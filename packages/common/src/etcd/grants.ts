import type { ProviderUuid } from '../ids.js';
import type { Keys } from './keys.js';

/** A right on one key, or on all keys under a prefix. */
export interface Grant {
  readonly right: 'Read' | 'Readwrite';
  readonly on: { readonly key: string } | { readonly prefix: string };
}

const readwrite = (prefix: string): Grant => ({ right: 'Readwrite', on: { prefix } });
const read = (prefix: string): Grant => ({ right: 'Read', on: { prefix } });

export interface HostGrantOptions {
  /** `booted` of the agent's config: it writes `/booted/<instance>`, whose prefix all hosts share. */
  readonly writesBooted: boolean;
  /** Room is counted in etcd: `placement: etcd` in its config. */
  readonly countsRoom: boolean;
  /** The agent has records of version 1 to move, or is still of version 1. */
  readonly isMigrating: boolean;
}

/** What an agent needs, and nothing of another host but where its agent serves and, maybe, `/booted`. */
export const hostGrants = (
  keys: Keys,
  host: ProviderUuid,
  { writesBooted, countsRoom, isMigrating }: HostGrantOptions,
): readonly Grant[] => [
  ...[keys.requestsOf(host), keys.reportsOf(host), keys.imagesOf(host)].map(readwrite),
  ...[keys.agent(host), keys.session(host), keys.audit(host), keys.console(host), keys.endpoint(host)].map(
    (key): Grant => ({
      right: 'Readwrite',
      on: { key },
    }),
  ),
  read(keys.endpoints),
  { right: 'Read', on: { key: keys.drain(host) } },
  // As with a token of a Placement service, which may change all that is in it.
  ...(countsRoom ? [readwrite(keys.placement)] : []),
  ...(writesBooted || isMigrating ? [readwrite(keys.bootedAll)] : []),
  ...(isMigrating ? [readwrite(keys.locations), readwrite(keys.names)] : []),
];

/** What is written to ask for instances, and to end their books. */
const ofInstances = (keys: Keys): readonly string[] => [
  keys.requests,
  keys.reports,
  keys.locations,
  keys.names,
  keys.endings,
  keys.bootedAll,
  keys.images,
  keys.snapshots,
  keys.placement,
];

/** What `eschedule` needs, `logs` and `ssh` included. */
export const operatorGrants = (keys: Keys): readonly Grant[] => [
  // Removing a host removes its session.
  ...[...ofInstances(keys), keys.audits, keys.drains, keys.sessions].map(readwrite),
  read(keys.agents),
  read(keys.consoles),
  // The names of those whose instances it lists; passwords stand elsewhere.
  read(`${keys.identity}state/project/`),
  read(`${keys.identity}state/user/`),
];

/** What `eapi` needs: what it keeps, and what becomes of instances that its users ask for. What operators say of hosts it only reads. */
export const apiGrants = (keys: Keys): readonly Grant[] => [
  ...[keys.identity, keys.compute, keys.image, keys.imageServers, ...ofInstances(keys)].map(readwrite),
  ...[keys.agents, keys.consoles, keys.endpoints, keys.drains, keys.sessions].map(read),
];
