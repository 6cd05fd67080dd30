import { shareRuns } from '@etcd-compute/common/async/share-runs';
import { jitter, sleep } from '@etcd-compute/common/async/sleep';
import { formatErrorChain } from '@etcd-compute/common/errors';
import { instanceUuidSchema, type InstanceUuid } from '@etcd-compute/common/ids';
import type { Logger } from '@etcd-compute/common/log';
import type { Connection } from '@etcd-compute/libvirt/connection';
import type { Domain } from '@etcd-compute/libvirt/domain';
import pLimit from 'p-limit';
import { isElsewhere } from '../servers/fault.js';
import { createFilterTables, type FilterConfig, type FilterTables } from './filter-tables.js';
import { getGuestBridge } from './guest-bridge.js';
import { createGuestList } from './guest-list.js';
import { haveSameRules, isSameTable, renderChange, type Table } from './nft-table.js';
import type { NetworksConfig } from './host-networks.js';
import { applyChanges, findTable } from './nft.js';
import type { GuestPort } from './ports.js';

/**
 * The packet filter of the guests' network (nftables): guests send from their own addresses only (`bridge-rules.ts`), and reach only what
 * they may (`reach-rules.ts`). The rules never change. Each guest is an element in their sets, keyed by the names of its ports. It is added before the
 * guest starts and removed when its domain is gone.
 *
 *   at a start          adds the guest's elements in one transaction; if that fails, so does the start
 *   every few seconds   compares the tables with what they should be, and replaces them if they differ: after a flush, or when the host has a
 *                       new network, or etcd a new address
 *   once a period       lists the domains, to find those that came or went without this agent
 *
 * The tables stay when the agent stops or dies.
 */
export interface GuestFilter {
  /**
   * Reads which guests there are, and puts the rules in place. To be called on every new connection.
   *
   * @param getConnection the connection for later.
   * @returns whether all is as the config asks for; if not, it is tried again every few seconds.
   */
  readonly open: (connection: Connection, getConnection: () => Connection) => Promise<boolean>;
  /** Before the domain is started; repeatable. @throws ECOMPUTE_FILTER_FAILED */
  readonly admit: (domain: Domain) => Promise<void>;
  /** When the domain is gone; repeatable. */
  readonly dismiss: (instance: InstanceUuid) => Promise<void>;
  /** The only guest that can use this address. Checks first that the rules are in place. @throws ECOMPUTE_FILTER_FAILED */
  readonly findGuest: (address: string) => Promise<InstanceUuid | undefined>;
}

export interface GuestFilterOptions {
  readonly config: FilterConfig & NetworksConfig;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

const LOOK_EVERY_MS = 5_000;

/** Does nothing on libvirt's test driver, or when `network.filter` is `none`. */
export const createGuestFilter = (options: GuestFilterOptions): GuestFilter => {
  const log = options.log.child({ component: 'filter' });
  const tables = createFilterTables(options.config, log);
  let working: WorkingFilter | undefined;
  return {
    open: async (connection, getConnection) => {
      if ((await connection.getType()) === 'TEST') return true;
      if (options.config.network.filter === 'none') {
        await removeTables(tables, log);
        return true;
      }
      working ??= createWorkingFilter({ ...options, getConnection, log, tables });
      return working.open(connection);
    },
    admit: async (domain) => working?.admit(domain),
    dismiss: async (instance) => working?.dismiss(instance),
    findGuest: async (address) => working?.findGuest(address),
  };
};

/** Left by an agent that had the filter on. Hosts without the filter may not have nftables. */
const removeTables = async (tables: FilterTables, log: Logger): Promise<void> => {
  await applyChanges(tables.render([])).catch((err: unknown) => log.debug({ err }, 'no packet filter to remove'));
};

interface WorkingFilter extends Omit<GuestFilter, 'open'> {
  readonly open: (connection: Connection) => Promise<boolean>;
}

interface WorkingFilterOptions extends GuestFilterOptions {
  readonly getConnection: () => Connection;
  readonly tables: FilterTables;
}

const createWorkingFilter = ({ config, getConnection, tables, log, signal }: WorkingFilterOptions): WorkingFilter => {
  const { manage } = config.network;
  const guests = createGuestList(config);
  const inTurn = pLimit(1);
  let bridge: string | undefined;
  let listedAtMs = Number.NEGATIVE_INFINITY;
  /** As last put in place. */
  let put: readonly Table[] | undefined;
  let keeping: Promise<void> | undefined;

  const readLibvirt = async (connection: Connection): Promise<void> => {
    if (manage) bridge = (await getGuestBridge(connection, config.network)).name;
    await guests.refresh(connection);
    listedAtMs = Date.now();
  };
  /** While libvirt is away, no guest can start that this agent does not know. */
  const readLibvirtIfThere = async (): Promise<void> => {
    try {
      await readLibvirt(getConnection());
    } catch (err) {
      if (put === undefined || !isElsewhere(err)) throw err;
    }
  };
  const makeTables = async (): Promise<void> => {
    const wanted = await tables.all(guests.allPorts(), bridge);
    await applyChanges(tables.render(wanted));
    put = wanted;
    log.info({ ports: guests.allPorts().length }, 'packet filter is in place');
  };
  const makeAnew = async (): Promise<void> => {
    await readLibvirtIfThere();
    await makeTables();
  };
  const look = async (): Promise<void> => {
    const wanted = await tables.all(guests.allPorts(), bridge);
    const seen = await Promise.all(wanted.map(findTable));
    const areThere = (those: readonly Table[]): boolean =>
      those.every((table, index) => isSameTable(table, seen[index]));
    if (put && areThere(wanted) && haveSameRules(wanted, put)) return;
    if (put && !areThere(put)) log.warn('somebody has changed the packet filter, putting it right');
    await makeAnew();
  };
  const lookNow = shareRuns(async () => inTurn(look));

  const keep = async (): Promise<void> => {
    let said = '';
    for (;;) {
      await sleep(jitter(LOOK_EVERY_MS), signal, false).catch(() => undefined);
      if (signal.aborted) return;
      try {
        await lookNow();
        if (Date.now() - listedAtMs > config.period * 1000) await inTurn(readLibvirtIfThere);
        said = '';
      } catch (err) {
        const message = formatErrorChain(err);
        if (message !== said) log.error({ err }, 'packet filter is not in place, trying again');
        said = message;
      }
    }
  };

  /** Changes the elements of one guest in one transaction. */
  const change = async (before: readonly GuestPort[], after: readonly GuestPort[]): Promise<void> => {
    if (put === undefined) return makeAnew();
    const gone = before.filter((port) => !after.some((other) => isSamePort(port, other)));
    const [from, to, all] = [gone, after, guests.allPorts()].map(tables.guestTable);
    if (!from || !to || !all) return;
    try {
      await applyChanges(renderChange(from, to));
      put = [all, ...put.slice(1)];
    } catch (err) {
      log.debug({ err }, 'guest’s elements not changed, making the tables anew');
      await makeAnew();
    }
  };

  return {
    open: async (connection) => {
      keeping ??= keep();
      try {
        await inTurn(async () => {
          await readLibvirt(connection);
          await (put ? look() : makeTables());
        });
        return true;
      } catch (err) {
        if (isElsewhere(err)) throw err;
        log.error({ err }, 'packet filter is not in place, no guest is started');
        return false;
      }
    },
    admit: async (domain) =>
      inTurn(async () => {
        const instance = instanceUuidSchema.parse(domain.uuid);
        const before = guests.portsOf(instance);
        await guests.read(domain);
        await change(before, guests.portsOf(instance));
      }),
    dismiss: async (instance) =>
      inTurn(async () => {
        const before = guests.portsOf(instance);
        guests.remove(instance);
        if (before.length > 0 && put)
          await change(before, []).catch((err: unknown) =>
            log.debug({ err }, 'elements of a guest that is gone stay until the next look'),
          );
      }),
    findGuest: async (address) => {
      await lookNow();
      const found = guests.allPorts().filter((port) => port.address === address);
      return found.length === 1 ? found[0]?.instance : undefined;
    },
  };
};

const isSamePort = (one: GuestPort, other: GuestPort): boolean =>
  one.name === other.name && one.mac === other.mac && one.address === other.address;
