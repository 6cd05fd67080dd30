import type { Keys } from '@etcd-compute/common/etcd/keys';
import { openMirror } from '@etcd-compute/common/etcd/mirror';
import type { Store } from '@etcd-compute/common/etcd/store';
import type { Logger } from '@etcd-compute/common/log';
import { ReportIndex } from './report-index.js';
import type { Report } from './report.js';
import { ServerIndex } from './server-index.js';
import { createServerKeys, type ServerKeys } from './server-keys.js';
import type { Server } from './server-record.js';

/** The servers in etcd, and a copy of them here, with what agents report of their instances. */
export interface ServerStore extends AsyncDisposable {
  readonly keys: ServerKeys;
  readonly etcd: Store;
  /** As of the last look, or later. */
  readonly get: (id: string) => Server | undefined;
  readonly all: () => Iterable<Server>;
  readonly report: (id: string) => Report | undefined;
  /** Resolves when all servers are seen that were written before the call. */
  readonly look: () => Promise<void>;
  /** Resolves when all servers are seen that were written up to a revision. */
  readonly reach: (revision: string) => Promise<void>;
}

export interface ServerStoreOptions {
  /** Stays its owner's to close. */
  readonly etcd: Store;
  readonly keys: Keys;
  readonly log: Logger;
  /** Told which server may look different from now on. */
  readonly onChange: (id: string) => void;
}

const DEADLINE_MS = 10_000;

/** @throws what etcd says, when the first copy cannot be made. */
export const openServerStore = async ({
  etcd,
  keys: { compute, reports },
  log,
  onChange,
}: ServerStoreOptions): Promise<ServerStore> => {
  const keys = createServerKeys(compute);
  const shared = { store: etcd, log, deadlineMs: DEADLINE_MS };
  const servers = await openMirror({
    ...shared,
    createIndex: () =>
      new ServerIndex(onChange, (key) =>
        log.error({ etcdKey: keys.servers + key }, 'a server is not understood, and left out'),
      ),
    prefix: keys.servers,
  });
  const instances = await openMirror({ ...shared, createIndex: () => new ReportIndex(onChange), prefix: reports });
  const reach = async (revision: string): Promise<void> => servers.reach(BigInt(revision));
  return {
    keys,
    etcd,
    get: (id) => servers.index().get(id),
    all: () => servers.index().all(),
    report: (id) => instances.index().get(id),
    look: async () => reach((await etcd.get(keys.changes))?.modRevision ?? '0'),
    reach,
    [Symbol.asyncDispose]: async () => {
      await Promise.all([servers[Symbol.asyncDispose](), instances[Symbol.asyncDispose]()]);
    },
  };
};
