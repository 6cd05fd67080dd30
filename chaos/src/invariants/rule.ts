import { isBuilt as hasGuest, type InstanceRecord } from '@etcd-compute/common/etcd/messages/instance-record';
import type { ApiLedger } from '../api/api-ledger.js';
import type { Foreign } from '../foreign.js';
import type { Ledger } from '../ledger.js';
import type { World, WorldHost, WorldRequest } from '../world.js';

export interface Violation {
  /** Which rule: one of a few words, for counting. */
  readonly rule: string;
  readonly what: string;
  readonly instance?: string;
}

export interface Judged {
  readonly world: World;
  readonly ledger: Ledger;
  /** What was there before, and is nobody's business here. */
  readonly foreign: Foreign;
  /** What clients of eapi were told. */
  readonly told: ApiLedger;
}

export type Rule = (judged: Judged) => Violation[];

export const requestOf = (world: World, instance: string): WorldRequest | undefined =>
  world.requests.find((request) => request.instance === instance && !request.isDestroy);

export const recordOf = (world: World, instance: string): InstanceRecord | undefined =>
  world.records.find((record) => record.instance === instance);

export const domainsOf = (world: Pick<World, 'hosts'>): (WorldHost['domains'][number] & { host: string })[] =>
  world.hosts.flatMap(({ host, domains }) =>
    domains.filter(({ isOurs }) => isOurs).map((domain) => ({ ...domain, host })),
  );

/** A failed build has been undone: its instance holds nothing, and its request waits for a person. */
export const isBuilt = (record: InstanceRecord | undefined): boolean => record !== undefined && hasGuest(record);
