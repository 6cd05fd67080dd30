import { z } from 'zod';
import { instanceNameSchema, instanceUuidSchema, projectSchema, providerUuidSchema } from '../../ids.js';

/** A random secret of 32 bytes, in base64. */
const secretSchema = z.string().regex(/^[A-Za-z0-9+/]{43}=$/, 'expected 32 bytes in base64');

/**
 * The value at `/images/<host>/snapshots/<project>/<name>`: a snapshot that a host holds. Its agent writes it together with the outcome of
 * the wish. The same stands in a file on the host, from which the agent writes it again when it is gone.
 */
export const snapshotSchema = z.looseObject({
  version: z.literal(1),
  id: z.guid(),
  project: projectSchema,
  name: instanceNameSchema,
  host: providerUuidSchema,
  /** Of the file, a qcow2 image without a backing file. */
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  bytes: z.int().positive(),
  /** The size of the disk. */
  virtual_bytes: z.int().positive(),
  /** What it was taken of, and the count of the wish. */
  instance: instanceUuidSchema,
  count: z.int().positive(),
  /** Its guest's file systems were frozen meanwhile, or it did not run. */
  is_consistent: z.boolean(),
  created_at: z.string(),
  /** Whoever has it may fetch this snapshot from the agent, and nothing else. */
  key: secretSchema,
});
export type Snapshot = z.output<typeof snapshotSchema>;

/**
 * The value at `/snapshots/<project>/<name>`: who has the name, or is about to. Only schedulers write it: in the transaction of the wish, and
 * again when the snapshot is removed.
 */
export const snapshotHolderSchema = z.looseObject({
  version: z.literal(1),
  host: providerUuidSchema,
  instance: instanceUuidSchema,
  count: z.int().positive(),
});
export type SnapshotHolder = z.output<typeof snapshotHolderSchema>;

/** Where an agent gets the image `snapshot:...` of a boot request. */
export const snapshotSourceSchema = z.looseObject({
  host: providerUuidSchema,
  id: z.guid(),
  key: secretSchema,
});
export type SnapshotSource = z.output<typeof snapshotSourceSchema>;
