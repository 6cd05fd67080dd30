import { EcomputeError } from '@etcd-compute/common/errors';
import { openEtcdAuth } from '@etcd-compute/common/etcd/store-auth';
import type { ProviderUuid } from '@etcd-compute/common/ids';
import { listPresences, type Presences } from '@etcd-compute/cloud/hosts/presences';
import { listOldRecords } from '@etcd-compute/cloud/instances/find-instance';
import { isOldAgent } from '@etcd-compute/cloud/selection/filters/presence';
import type { Services } from '@etcd-compute/cloud/services';
import { planAccounts } from '../etcd-roles/accounts.js';
import { ensureAccount } from '../etcd-roles/ensure-account.js';
import { EXIT_CODES } from '../exit-code.js';
import { accountShape, type AccountView } from '../output/account-shape.js';
import type { CommandContext } from './context.js';

export interface EtcdRolesOptions {
  /** The folder of the passwords. */
  readonly passwords: string;
  /** Uuids beside those of the hosts that are known: of hosts that are to come. */
  readonly hosts: readonly ProviderUuid[];
  readonly writesBooted: boolean;
}

/** Makes a user of etcd for each host, which reaches the keys of that host alone, and one for people. May be repeated. */
export const etcdRoles = async (context: CommandContext, options: EtcdRolesOptions): Promise<number> => {
  const { services, config, output, interruption } = context;
  const { keys } = services;
  const presences = await listPresences(services);
  const hosts = [...new Set([...(await listHosts(services, presences)), ...options.hosts])].toSorted();
  const migrating = await findMigrating(services, presences);
  const { writesBooted } = options;
  const countsRoom = config.placement.backend === 'etcd';
  const accounts = planAccounts({ keys, prefix: config.etcd.prefix, hosts, migrating, writesBooted, countsRoom });
  await using auth = await openEtcdAuth(config.etcd);
  const views: AccountView[] = [];
  for (const account of accounts) {
    interruption.signal.throwIfAborted();
    const ensured = await ensureAccount(auth, account, options.passwords);
    const { user, host } = account;
    views.push({ user, host, hostName: (host && presences.get(host)?.hostname) ?? null, ...ensured });
  }
  await output.list(views, accountShape);
  if (config.etcd.user === undefined)
    output.note(
      'eschedule: etcd authenticates nobody until `etcdctl auth enable`; give each host its user and password first (docs/etcd-access.md)',
    );
  const late = hosts.filter((host) => migrating.has(host));
  if (late.length > 0) throw notNarrowed(late, presences);
  return EXIT_CODES.done;
};

/** Those that report, up or down. */
const listHosts = async (services: Services, presences: Presences): Promise<ProviderUuid[]> => {
  const { entries } = await (await services.store()).listKeys(services.keys.audits);
  return [...presences.keys(), ...entries.flatMap(({ key }) => services.keys.parseAudit(key) ?? [])];
};

/** Hosts whose agent reads or writes what it may not reach any more once it is confined to its own keys. */
const findMigrating = async (services: Services, presences: Presences): Promise<ReadonlySet<ProviderUuid>> => {
  const records = await listOldRecords(services);
  const old = [...presences.values()].filter(isOldAgent);
  return new Set([...records.filter(({ state }) => state !== 'deleted'), ...old].map(({ host }) => host));
};

const notNarrowed = (hosts: readonly ProviderUuid[], presences: Presences): EcomputeError => {
  const names = hosts.map((host) => presences.get(host)?.hostname ?? host).join(', ');
  return new EcomputeError(
    'ECOMPUTE_HOST_NOT_UPGRADED',
    `could not confine ${hosts.length === 1 ? 'the agent' : 'the agents'} of ${names} to ${hosts.length === 1 ? 'its' : 'their'} own keys: there are records of an older version, which an agent has to move`,
    {
      details: { hosts },
      hint: 'upgrade and start these agents, then run this again; until then they may write all of /instances/, /names/ and /booted/',
    },
  );
};
