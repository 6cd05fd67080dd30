import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Snapshot } from '@etcd-compute/common/etcd/messages/snapshot';
import type { DiskUuid, InstanceUuid } from '@etcd-compute/common/ids';
import { rootDiskOf } from '../disks/disks.js';
import type { Logger } from '@etcd-compute/common/log';
import { copyRunning, endOwnBackup } from './copy-running.js';
import { findDiskSource, type DiskSource } from './disk-source.js';
import type { SnapshotDeps } from './snapshot-deps.js';
import { createEmpty, flatten, measureDisk, type DiskSize } from './qemu-img.js';

export interface SnapshotAsked {
  readonly instance: InstanceUuid;
  /** Default: its root disk. */
  readonly disk?: DiskUuid;
  /** Of the wish: the same snapshot is taken once. */
  readonly count: number;
  readonly project: string;
  readonly name: string;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

/**
 * Makes a cached image of a disk of an instance: a qcow2 file that needs no other. Repeatable: what was done is found, and what an agent
 * that was killed has left half done is ended first.
 *
 * @throws EcomputeError ECOMPUTE_SNAPSHOT_FAILED, ECOMPUTE_IMAGE_NO_SPACE, ECOMPUTE_IMAGE_TOO_LARGE; nothing of it is left then.
 */
export const takeSnapshot = async (deps: SnapshotDeps, asked: SnapshotAsked): Promise<Snapshot> => {
  const { images, frozen, mark } = deps;
  const { instance, disk = rootDiskOf(asked.instance), count, project, name, log, signal } = asked;
  signal.throwIfAborted();
  const done = images.snapshots
    .list()
    .find((one) => one.instance === instance && one.count === count && one.name === name);
  if (done) return done;
  await frozen.thawLeft();
  await endOwnBackup(deps, { instance, folder: images.folder });
  const source = await findDiskSource(deps, { instance, disk });
  const { virtualBytes, usedBytes } = await measure(source, signal);
  await images.checkSpace(`could not take a snapshot of instance ${instance}`, usedBytes);
  const path = join(images.folder, `${randomUUID()}.part`);
  try {
    const copy = { instance, target: source.target, virtualBytes, to: path, signal };
    const isConsistent = source.isActive ? await copyRunning({ ...deps, log }, copy) : true;
    if (!source.isActive) await copyOff(source, path, signal);
    const facts = { project, name, host: mark.host, instance, count, is_consistent: isConsistent };
    return await images.addSnapshot(path, facts, signal);
  } finally {
    await rm(path, { force: true });
  }
};

const measure = async (source: DiskSource, signal: AbortSignal): Promise<DiskSize> =>
  source.emptyBytes === undefined ? measureDisk(source, signal) : { virtualBytes: source.emptyBytes, usedBytes: 0 };

const copyOff = async (source: DiskSource, to: string, signal: AbortSignal): Promise<void> =>
  source.emptyBytes === undefined ? flatten(source, to, signal) : createEmpty(to, source.emptyBytes, signal);
