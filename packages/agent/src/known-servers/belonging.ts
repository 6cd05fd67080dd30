import { join } from 'node:path';
import type { EcomputeError } from '@etcd-compute/common/errors';
import type { Store } from '@etcd-compute/common/etcd/store';
import type { Logger } from '@etcd-compute/common/log';
import type { Connection } from '@etcd-compute/libvirt/connection';
import type { AgentConfig } from '../config/config.js';
import { listDiskFiles, type DiskPool } from '../disks/disk-pool.js';
import { listConfigDrives } from '../guest-config/config-drives.js';
import { checkIdentity, keepIdentity, type Identity } from './identity.js';
import { listMarkedDomains } from '../domains/domain.js';
import { checkEtcd, noteChange, noteRevision } from './check-etcd.js';
import { checkLibvirt, noteLibvirt } from './check-libvirt.js';
import { createEtcdJudge, type EtcdJudge } from './etcd-judge.js';
import { openKnownServers } from './known-servers.js';

/**
 * Checks that this state folder, this etcd and this libvirt belong together. With another one, because of a wrong setting, a missing mount or a
 * restored backup, an agent would find none of its guests, and draw the wrong conclusions.
 */
export interface Belonging {
  /** For the store. */
  readonly judge: EtcdJudge;
  /** Before anything else is done with a new connection. @throws ECOMPUTE_LIBVIRT_CHANGED, ECOMPUTE_AGENT_IDENTITY_CHANGED */
  readonly checkLibvirt: (connection: Connection) => Promise<void>;
  /** When our pool is there. */
  readonly noteLibvirt: (connection: Connection) => Promise<void>;
  /**
   * Before anything else is done with etcd; from then on, another etcd is reported to `onEtcdChanged`.
   *
   * @returns whether it was known before.
   * @throws ECOMPUTE_ETCD_CHANGED
   */
  readonly checkEtcd: (store: Store, options: CheckOptions) => Promise<{ wasKnown: boolean }>;
  /** To be called once a period. */
  readonly noteRevision: () => Promise<void>;
}

export interface CheckOptions {
  /** A key that the agent's etcd user may read, whether it exists or not. */
  readonly key: string;
  readonly getConnection: () => Connection;
}

export interface BelongingOptions {
  readonly config: AgentConfig;
  readonly identity: Identity;
  readonly pool: DiskPool;
  /** Another etcd has answered. */
  readonly onEtcdChanged: (err: EcomputeError) => void;
  readonly log: Logger;
}

export const createBelonging = (options: BelongingOptions): Belonging => {
  const { config, pool, onEtcdChanged, log } = options;
  let { identity } = options;
  let isEtcdChecked = false;
  const { state_dir: stateDir, etcd } = config;
  const known = openKnownServers(stateDir);
  const tellChange = async (err: EcomputeError): Promise<void> => {
    try {
      await noteChange(known, err);
    } catch (cause) {
      log.error({ err: cause }, 'known-servers.json not written');
    }
    if (isEtcdChecked) onEtcdChanged(err);
  };
  const judge = createEtcdJudge({ onChanged: (err) => void tellChange(err) });
  const hasFiles = async (): Promise<boolean> =>
    (await listDiskFiles(pool.folder)).length > 0 ||
    (await listConfigDrives(join(stateDir, 'config-drives'))).length > 0;
  const hasDomains = async (connection: Connection): Promise<boolean> => {
    for await (const { host } of listMarkedDomains(connection)) if (host === identity.host) return true;
    return false;
  };
  return {
    judge,
    checkLibvirt: async (connection) => {
      await checkIdentity(connection, { ...identity, stateDir, disks: await listDiskFiles(pool.folder) });
      await checkLibvirt(connection, { known, hasFiles, hasDomains });
      await keepIdentity(stateDir, identity);
      identity = { ...identity, isKept: true };
    },
    noteLibvirt: async (connection) => noteLibvirt(connection, { known, poolName: pool.name }),
    checkEtcd: async (store, { key, getConnection }) => {
      const hasGuests = async (): Promise<boolean> => (await hasFiles()) || hasDomains(getConnection());
      const checked = await checkEtcd({ store, judge, known, prefix: etcd.prefix, key, hasGuests, log });
      isEtcdChecked = true;
      return checked;
    },
    noteRevision: async () => noteRevision(known, judge),
  };
};
