import { z } from 'zod';
import { hostOfAllocations } from '../../capacity/candidate.js';
import { EcomputeError } from '../../errors.js';
import { resourcesOn, withResourcesOn, wishesOf, type BootRequest } from '../../etcd/messages/boot-request.js';
import { UNBUILT, type ActionKind } from '../kind.js';
import { addDiskArgs } from './add-disk.js';

export const removeDiskArgs = z.object({
  /** A uuid. People may give its beginning. */
  disk: z
    .string()
    .regex(/^[0-9a-fA-F][0-9a-fA-F-]{0,35}$/, 'expected the uuid of a disk, or its beginning')
    .transform((text) => text.toLowerCase()),
});

const refusal = (instance: string, message: string, hint: string): EcomputeError =>
  new EcomputeError('ECOMPUTE_WISH_REFUSED', message, { details: { instance }, hint });

const SEE_DISKS = 'its disks are listed where the instance is shown';

const unknownDisk = (instance: string, disk: string): EcomputeError =>
  refusal(instance, `instance ${instance} has no disk ${disk}`, SEE_DISKS);

/** Its own, and those that it has been asked to get. */
const disksOf = (request: BootRequest): string[] => [
  request.instance,
  ...(request.disks ?? []).map(({ uuid }) => uuid),
  ...wishesOf(request).flatMap(({ kind, args }) =>
    kind === 'add-disk' ? (addDiskArgs.safeParse(args).data?.disk ?? []) : [],
  ),
];

/** @throws EcomputeError when no disk begins so, or several do, or the root disk does. */
const findDisk = (request: BootRequest, prefix: string): string => {
  const { instance } = request;
  const [disk, ...others] = new Set(disksOf(request).filter((uuid) => uuid.startsWith(prefix)));
  if (disk === undefined) throw unknownDisk(instance, prefix);
  if (others.length > 0)
    throw refusal(
      instance,
      `several disks of instance ${instance} begin with ${prefix}: ${[disk, ...others].join(', ')}`,
      'give more of the uuid',
    );
  if (disk !== instance) return disk;
  throw refusal(
    instance,
    `${disk} is the root disk of the instance, which it cannot be without`,
    'rebuild gives it another one, destroy removes it with the instance',
  );
};

/** One of its further disks, with all that is on it. */
export const removeDisk = {
  type: 'action',
  participle: 'detached from a disk',
  args: removeDiskArgs,
  from: [...UNBUILT, 'active', 'stopped'],
  leadsTo: 'as-before',
  subject: null,
  example: { disk: '5b0d4c0e-7f3a-4f0b-9d5e-2f6a1c8b7e02' },
  complete: (given, request) => ({ disk: findDisk(request, removeDiskArgs.parse(given).disk) }),
  edit: (request, given) => {
    const { disk } = removeDiskArgs.parse(given);
    const { disks = [] } = request;
    const removed = disks.find(({ uuid }) => uuid === disk);
    const host = hostOfAllocations(request.allocations);
    const { DISK_GB = 0 } = (host && resourcesOn(request, host)) ?? {};
    const edited = withResourcesOn(request, host, { DISK_GB: DISK_GB - (removed?.size_gib ?? 0) });
    return { ...edited, disks: disks.filter(({ uuid }) => uuid !== disk) };
  },
  isNeeded: ({ request: { instance, disks = [] }, args: given }) => {
    const { disk } = removeDiskArgs.parse(given);
    if (disks.some(({ uuid }) => uuid === disk)) return true;
    throw unknownDisk(instance, disk);
  },
} as const satisfies ActionKind;
