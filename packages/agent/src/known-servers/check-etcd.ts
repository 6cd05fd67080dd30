import type { Store } from '@etcd-compute/common/etcd/store';
import type { Logger } from '@etcd-compute/common/log';
import { etcdChanged, isEtcdChanged, type EtcdJudge } from './etcd-judge.js';
import type { KnownServersFile } from './known-servers.js';

export interface CheckEtcdOptions {
  readonly store: Store;
  readonly judge: EtcdJudge;
  readonly known: KnownServersFile;
  readonly prefix: string;
  /** A key that the agent's etcd user may read, whether it exists or not. */
  readonly key: string;
  /** Whether anything of an instance is on this host. @throws when libvirt cannot be asked. */
  readonly hasGuests: () => Promise<boolean>;
  readonly log: Logger;
}

/**
 * Makes sure that this is the etcd that the host belongs to, and notes it. A host without guests accepts any.
 *
 * @returns whether it was known before.
 * @throws ECOMPUTE_ETCD_CHANGED. Repeatable: it sees when a person has accepted the change.
 */
export const checkEtcd = async (options: CheckEtcdOptions): Promise<{ wasKnown: boolean }> => {
  const { store, judge, known, prefix, key, hasGuests, log } = options;
  const { etcd } = await known.read();
  judge.expect(etcd);
  let wasKnown = etcd !== undefined;
  try {
    if (etcd && etcd.prefix !== prefix)
      throw etcdChanged(`etcd.prefix is '${prefix}', and the keys of this host are under '${etcd.prefix}'`);
    if (etcd?.went_back)
      throw etcdChanged(`etcd at ${store.endpoints} went back in time: it was restored from a backup, or began anew`);
    await store.get(key);
  } catch (err) {
    if (!isEtcdChanged(err)) throw err;
    if (await hasGuests()) {
      await noteChange(known, err);
      throw err;
    }
    log.warn({ err }, 'etcd is another one, and is taken: there are no guests on this host');
    wasKnown = false;
    judge.expect(undefined);
    await store.get(key);
  }
  const seen = judge.seen();
  if (seen)
    await known.change((before) => ({
      ...before,
      etcd: { cluster_id: seen.clusterId, prefix, revision: seen.revision, went_back: false },
    }));
  return { wasKnown };
};

/** The revision of a restored etcd grows again: later, nobody could detect the restore. */
export const noteChange = async (
  known: KnownServersFile,
  err: { details: Readonly<Record<string, unknown>> },
): Promise<void> => {
  if (err.details['wentBack'] === true)
    await known.change(({ etcd, ...others }) => ({ ...others, etcd: etcd && { ...etcd, went_back: true } }));
};

/** Call it now and then. It keeps what was accepted meanwhile. */
export const noteRevision = async (known: KnownServersFile, judge: EtcdJudge): Promise<void> => {
  const revision = judge.seen()?.revision;
  if (revision !== undefined)
    await known.change(({ etcd, ...others }) => ({ ...others, etcd: etcd && { ...etcd, revision } }));
};
