import { dirname } from 'node:path';
import { sleep } from '@etcd-compute/common/async/sleep';
import { EcomputeError } from '@etcd-compute/common/errors';
import type { InstanceUuid } from '@etcd-compute/common/ids';
import type { Logger } from '@etcd-compute/common/log';
import type { CallWait, Connection } from '@etcd-compute/libvirt/connection';
import { DomainBackupBeginFlags, DomainGetJobStatsFlags } from '@etcd-compute/libvirt/constants';
import type { Domain, DomainJobStats } from '@etcd-compute/libvirt/domain';
import { isLibvirtError } from '@etcd-compute/libvirt/errors';
import { parseDomainBackup, renderDomainBackup } from '@etcd-compute/libvirt/xml/domain-backup';
import { findDomain } from '../domains/domain.js';
import type { SnapshotDeps } from './snapshot-deps.js';
import { createEmpty } from './qemu-img.js';

interface CopyDeps extends Pick<SnapshotDeps, 'lend' | 'frozen' | 'config'> {
  readonly log: Logger;
}

interface RunningCopy {
  readonly instance: InstanceUuid;
  /** The disk's name in the domain, such as `vda`. */
  readonly target: string;
  readonly virtualBytes: number;
  readonly to: string;
  readonly signal: AbortSignal;
}

const LOOK_EVERY_MS = 250;

/**
 * Copies a disk, as it is at one moment, while its guest goes on: a backup job of the hypervisor, which saves what the guest is about to
 * overwrite. The guest's files are frozen only while the job begins.
 *
 * @returns whether the guest's file systems were frozen. However it ends, the job does not go on.
 */
export const copyRunning = async (deps: CopyDeps, copy: RunningCopy): Promise<boolean> => {
  const { lend, frozen, config, log } = deps;
  const { instance, target, virtualBytes, to, signal } = copy;
  const wait = { signal, timeoutMs: config.timeouts.domain * 1000 };
  // Made here, so that it is this process's file whatever user the hypervisor is.
  await createEmpty(to, virtualBytes, signal);
  const xml = renderDomainBackup({ disk: target, path: to, format: 'qcow2' });
  const begin = async (connection: Connection): Promise<void> => {
    await using domain = await connection.domainLookupByUUID(instance, wait);
    await domain.backupBegin(xml, null, DomainBackupBeginFlags.REUSE_EXTERNAL, wait);
  };
  try {
    const isFrozen = await frozen.during(instance, async () => lend('work', begin, signal));
    await waitForEnd(deps, { instance, signal });
    return isFrozen;
  } catch (cause) {
    await endOwnBackup(deps, { instance, folder: dirname(to) }).catch((err: unknown) =>
      log.error({ err, instanceUuid: instance }, 'backup of a guest not ended, trying again with its next snapshot'),
    );
    signal.throwIfAborted();
    throw cause;
  }
};

const waitForEnd = async (
  { lend, config }: CopyDeps,
  { instance, signal }: Pick<RunningCopy, 'instance' | 'signal'>,
): Promise<void> => {
  const wait = { signal, timeoutMs: config.timeouts.libvirt * 1000 };
  for (;;) {
    const end = await lend('guest', async (connection) => findEnd(connection, instance, wait), signal);
    if (end?.type === 'completed') return;
    if (end) throw notCopied(instance, end);
    await sleep(LOOK_EVERY_MS, signal);
  }
};

/** @returns undefined while it goes on. */
const findEnd = async (
  connection: Connection,
  instance: InstanceUuid,
  wait: CallWait,
): Promise<DomainJobStats | undefined> => {
  await using domain = await connection.domainLookupByUUID(instance, wait);
  if (await findBackup(domain, wait)) return undefined;
  return await domain.getJobStats(DomainGetJobStatsFlags.COMPLETED, wait);
};

const findBackup = async (domain: Domain, wait: CallWait): Promise<string | undefined> => {
  try {
    return await domain.backupGetXMLDesc(wait);
  } catch (err) {
    if (isLibvirtError(err, 'VIR_ERR_NO_DOMAIN_BACKUP', 'VIR_ERR_OPERATION_INVALID', 'VIR_ERR_NO_SUPPORT'))
      return undefined;
    throw err;
  }
};

const notCopied = (instance: InstanceUuid, { type, params }: DomainJobStats): EcomputeError => {
  const said = typeof params['errmsg'] === 'string' ? params['errmsg'] : `its backup ended as '${type}'`;
  return new EcomputeError('ECOMPUTE_SNAPSHOT_FAILED', `could not copy the disk of instance ${instance}: ${said}`, {
    hint: 'did its guest go off, or is the host’s disk full? ask again when that is mended',
  });
};

/** How long a job takes to end. */
const END_WAIT_MS = 60_000;

/** Ends the backup that an agent has begun and left: one into a file of ours. Repeatable. */
export const endOwnBackup = async (
  { lend, config }: Pick<CopyDeps, 'lend' | 'config'>,
  { instance, folder }: { readonly instance: InstanceUuid; readonly folder: string },
): Promise<void> => {
  const wait = { timeoutMs: config.timeouts.domain * 1000 };
  const isOver = async (connection: Connection): Promise<boolean> => {
    await using domain = await findDomain(connection, instance, wait);
    const xml = domain && (await findBackup(domain, wait));
    if (!domain || xml === undefined) return true;
    if (!parseDomainBackup(xml).some(({ path }) => path !== undefined && dirname(path) === folder)) return true;
    try {
      await domain.abortJob(wait);
    } catch (err) {
      if (!isLibvirtError(err, 'VIR_ERR_OPERATION_INVALID')) throw err; // it ends already
    }
    return false;
  };
  const until = Date.now() + END_WAIT_MS;
  while (!(await lend('guest', isOver))) {
    if (Date.now() >= until)
      throw new EcomputeError('ECOMPUTE_SNAPSHOT_FAILED', `the backup of instance ${instance} does not end`, {
        hint: `on its host: virsh domjobabort ${instance}`,
      });
    await sleep(LOOK_EVERY_MS);
  }
};
