import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Snapshot } from '@etcd-compute/common/etcd/messages/snapshot';
import type { InstanceUuid } from '@etcd-compute/common/ids';
import type { Logger } from '@etcd-compute/common/log';
import { copyRunning, endOwnBackup } from './copy-running.js';
import { findDiskSource } from './disk-source.js';
import type { SnapshotDeps } from './snapshot-deps.js';
import { flatten, measureDisk } from './qemu-img.js';

export interface SnapshotAsked {
  readonly instance: InstanceUuid;
  /** Of the wish: the same snapshot is taken once. */
  readonly count: number;
  readonly project: string;
  readonly name: string;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

/**
 * Makes a cached image of an instance's root disk: a qcow2 file that needs no other. Repeatable: what was done is found, and what an agent
 * that was killed has left half done is ended first.
 *
 * @throws EcomputeError ECOMPUTE_SNAPSHOT_FAILED, ECOMPUTE_IMAGE_NO_SPACE, ECOMPUTE_IMAGE_TOO_LARGE; nothing of it is left then.
 */
export const takeSnapshot = async (deps: SnapshotDeps, asked: SnapshotAsked): Promise<Snapshot> => {
  const { images, frozen, mark } = deps;
  const { instance, count, project, name, log, signal } = asked;
  signal.throwIfAborted();
  const done = images.snapshots.list().find((one) => one.instance === instance && one.count === count);
  if (done) return done;
  await frozen.thawLeft();
  await endOwnBackup(deps, { instance, folder: images.folder });
  const source = await findDiskSource(deps, instance);
  const { virtualBytes, usedBytes } = await measureDisk(source, signal);
  await images.checkSpace(`could not take a snapshot of instance ${instance}`, usedBytes);
  const path = join(images.folder, `${randomUUID()}.part`);
  try {
    const copy = { instance, target: source.target, virtualBytes, to: path, signal };
    const isConsistent = source.isActive ? await copyRunning({ ...deps, log }, copy) : true;
    if (!source.isActive) await flatten(source, path, signal);
    const facts = { project, name, host: mark.host, instance, count, is_consistent: isConsistent };
    return await images.addSnapshot(path, facts, signal);
  } finally {
    await rm(path, { force: true });
  }
};
