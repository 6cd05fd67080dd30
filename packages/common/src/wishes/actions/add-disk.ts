import { z } from 'zod';
import { hostOfAllocations } from '../../capacity/candidate.js';
import { EcomputeError } from '../../errors.js';
import { resourcesOn, withResourcesOn } from '../../etcd/messages/boot-request.js';
import { MAX_FURTHER_DISKS } from '../../etcd/messages/disks.js';
import { diskUuidSchema } from '../../ids.js';
import { UNBUILT, type ActionKind } from '../kind.js';

export const addDiskArgs = z.object({
  /** Chosen by whoever asks, so that the same disk is meant when this is carried out again after a crash. */
  disk: diskUuidSchema,
  size_gib: z.int().positive(),
});

/** An empty disk more, of a guest that runs or is off. */
export const addDisk = {
  type: 'action',
  participle: 'given a disk',
  args: addDiskArgs,
  from: [...UNBUILT, 'active', 'stopped'],
  leadsTo: 'as-before',
  subject: null,
  example: { disk: '5b0d4c0e-7f3a-4f0b-9d5e-2f6a1c8b7e01', size_gib: 1 },
  edit: (request, given) => {
    const { disk: uuid, size_gib } = addDiskArgs.parse(given);
    const host = hostOfAllocations(request.allocations);
    const { DISK_GB = 0 } = (host && resourcesOn(request, host)) ?? {};
    const edited = withResourcesOn(request, host, { DISK_GB: DISK_GB + size_gib });
    return { ...edited, disks: [...(request.disks ?? []), { uuid, size_gib }] };
  },
  isNeeded: ({ request: { instance, disks = [] }, args: given }) => {
    const { disk } = addDiskArgs.parse(given);
    if (disks.some(({ uuid }) => uuid === disk)) return false;
    if (disks.length < MAX_FURTHER_DISKS) return true;
    throw new EcomputeError(
      'ECOMPUTE_WISH_REFUSED',
      `instance ${instance} has ${disks.length} disks beside its root disk, and cannot have more`,
      { details: { instance }, hint: 'remove one first' },
    );
  },
} as const satisfies ActionKind;
