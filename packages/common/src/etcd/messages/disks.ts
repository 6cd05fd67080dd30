import { z } from 'zod';
import { diskUuidSchema } from '../../ids.js';

/** Beside the root disk and the config drive: machines have room for some 30 devices. */
export const MAX_FURTHER_DISKS = 16;

/** An empty disk that an instance has beside its root disk. Unknown members are kept. */
export const furtherDiskSchema = z.looseObject({ uuid: diskUuidSchema, size_gib: z.int().positive() });
export type FurtherDisk = z.output<typeof furtherDiskSchema>;

export const furtherDisksSchema = z
  .array(furtherDiskSchema)
  .max(MAX_FURTHER_DISKS)
  .refine((disks) => new Set(disks.map(({ uuid }) => uuid)).size === disks.length, 'expected each disk once');

export const totalGiB = (disks: readonly Pick<FurtherDisk, 'size_gib'>[]): number =>
  disks.reduce((sum, { size_gib }) => sum + size_gib, 0);
