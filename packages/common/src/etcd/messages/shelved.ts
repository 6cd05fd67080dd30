import { z } from 'zod';
import { diskUuidSchema, type DiskUuid } from '../../ids.js';
import { formatSnapshotImage } from '../../snapshot-image.js';
import { snapshotSourceSchema, type Snapshot } from './snapshot.js';

/** The copy of a disk of a shelved instance: a snapshot that no person has asked for. */
export const diskCopySchema = z.looseObject({
  /** The root disk has the uuid of its instance. */
  disk: diskUuidSchema,
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  source: snapshotSourceSchema,
});
export type DiskCopy = z.output<typeof diskCopySchema>;

/**
 * What brings a shelved instance back, in its boot request. The agent that shelves it writes this, and the agent that builds it again removes
 * it in the transaction that says so.
 */
export const shelvedSchema = z.looseObject({
  /** Its guest ran, and runs again when it is back. */
  was_running: z.boolean(),
  /** One for each disk. */
  copies: z.array(diskCopySchema).min(1),
});
export type Shelved = z.output<typeof shelvedSchema>;

const PREFIX = 'shelved-';

/** What the copy of a disk is called among the snapshots of its project. */
export const copyName = (disk: string): string => `${PREFIX}${disk}`;

/** Such names are not for people: their snapshots could not be told from copies. */
export const isCopyName = (name: string): boolean =>
  name.startsWith(PREFIX) && diskUuidSchema.safeParse(name.slice(PREFIX.length)).success;

/** @returns undefined for a snapshot of a person. */
export const toDiskCopy = ({ name, sha256, host, id, key }: Snapshot): DiskCopy | undefined =>
  isCopyName(name)
    ? { disk: diskUuidSchema.parse(name.slice(PREFIX.length)), sha256, source: { host, id, key } }
    : undefined;

/** As an agent is asked for it. */
export const imageOfCopy = ({ disk, sha256 }: Pick<DiskCopy, 'disk' | 'sha256'>): string =>
  formatSnapshotImage({ name: copyName(disk), sha256 });

export const findCopy = ({ copies }: Shelved, disk: DiskUuid): DiskCopy | undefined =>
  copies.find((copy) => copy.disk === disk);
