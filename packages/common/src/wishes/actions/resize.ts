import { z } from 'zod';
import { hostOfAllocations } from '../../capacity/candidate.js';
import type { Resources } from '../../capacity/capacity.js';
import { EcomputeError } from '../../errors.js';
import { resourcesOn, withResourcesOn, type BootRequest } from '../../etcd/messages/boot-request.js';
import { totalGiB } from '../../etcd/messages/disks.js';
import { UNBUILT, type ActionKind, type Asked } from '../kind.js';

const amount = z.int().positive().optional();

const args = z.object({
  /** What is left out stays as it is. */
  vcpus: amount,
  memory_mib: amount,
  /** The root disk. */
  disk_gib: amount,
  /** A guest that runs may be stopped for it, and is started again. */
  restart: z.boolean().default(false),
});

const resourcesOf = (request: BootRequest): Resources => {
  const host = hostOfAllocations(request.allocations);
  return (host && resourcesOn(request, host)) ?? {};
};

/**
 * Only what is to be another amount. DISK_GB counts all disks together.
 *
 * @param given as a wish has it.
 */
export const changesOf = (request: BootRequest, given: Asked['args']): Record<string, number> => {
  const before = resourcesOf(request);
  const { vcpus, memory_mib, disk_gib } = args.parse(given);
  const wanted = {
    VCPU: vcpus,
    MEMORY_MB: memory_mib,
    DISK_GB: disk_gib === undefined ? undefined : disk_gib + totalGiB(request.disks ?? []),
  };
  return Object.fromEntries(
    Object.entries(wanted).flatMap(([name, value]) =>
      value === undefined || value === before[name] ? [] : [[name, value]],
    ),
  );
};

const checkDisk = ({ request, args: given }: Asked): void => {
  const before = (resourcesOf(request)['DISK_GB'] ?? 0) - totalGiB(request.disks ?? []);
  const { disk_gib: wanted = before } = args.parse(given);
  if (wanted >= before) return;
  throw new EcomputeError(
    'ECOMPUTE_WISH_REFUSED',
    `instance ${request.instance} has a disk of ${before} GiB, and a disk cannot shrink to ${wanted} GiB`,
    { details: { instance: request.instance }, hint: 'boot a new instance with less disk, and move the data there' },
  );
};

/** Other amounts on the same host. */
export const resize = {
  type: 'action',
  participle: 'resized',
  args,
  from: [...UNBUILT, 'active', 'stopped'],
  leadsTo: 'as-before',
  subject: null,
  example: { vcpus: 2, memory_mib: 128, disk_gib: 2, restart: true },
  edit: (request, given) => withResourcesOn(request, hostOfAllocations(request.allocations), changesOf(request, given)),
  isNeeded: (asked) => {
    const { request, isRunning } = asked;
    if (Object.keys(changesOf(request, asked.args)).length === 0) return false;
    checkDisk(asked);
    if (!isRunning || args.parse(asked.args).restart) return true;
    throw new EcomputeError(
      'ECOMPUTE_WISH_REFUSED',
      `instance ${request.instance} runs, and can be resized only when it is stopped`,
      { details: { instance: request.instance }, hint: 'stop it first, or let it be restarted with --restart' },
    );
  },
} as const satisfies ActionKind;
