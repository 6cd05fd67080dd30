import { apiGrants, hostGrants, operatorGrants, type Grant } from '@etcd-compute/common/etcd/grants';
import type { Keys } from '@etcd-compute/common/etcd/keys';
import type { ProviderUuid } from '@etcd-compute/common/ids';

/** A user of etcd, and the role that it has. */
export interface Account {
  readonly user: string;
  readonly role: string;
  /** Null for etcd's own role `root`, which may do all. */
  readonly grants: readonly Grant[] | null;
  /** Whose agent uses it. */
  readonly host: ProviderUuid | null;
}

export interface AccountOptions {
  readonly keys: Keys;
  /** `etcd.prefix`: clouds that share an etcd have users of their own. */
  readonly prefix: string;
  readonly hosts: readonly ProviderUuid[];
  /** Hosts that must reach the keys of version 1 for now. */
  readonly migrating: ReadonlySet<ProviderUuid>;
  readonly writesBooted: boolean;
  /** Room is counted in etcd. */
  readonly countsRoom: boolean;
}

/** `root` and `health` are for whoever looks after etcd; `eschedule` is for people, `eapi` for the servers of the API, and each host has one of its own. */
export const planAccounts = ({
  keys,
  prefix,
  hosts,
  migrating,
  writesBooted,
  countsRoom,
}: AccountOptions): Account[] => {
  const suffix = prefix.replaceAll('/', '-');
  const account = (name: string, grants: readonly Grant[] | null, host: ProviderUuid | null = null): Account => ({
    user: name,
    role: name,
    grants,
    host,
  });
  return [
    account('root', null),
    account('health', []),
    account(`eschedule${suffix}`, operatorGrants(keys)),
    account(`eapi${suffix}`, apiGrants(keys)),
    ...hosts.map((host) =>
      account(
        `ecompute${suffix}-${host}`,
        hostGrants(keys, host, { writesBooted, countsRoom, isMigrating: migrating.has(host) }),
        host,
      ),
    ),
  ];
};
