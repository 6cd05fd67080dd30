import { z } from 'zod';
import { imageChecksumSchema } from '../../image-checksum.js';
import { instanceNameSchema, instanceUuidSchema, providerUuidSchema, type ProviderUuid } from '../../ids.js';
import { furtherDisksSchema } from './disks.js';
import { guestMembers } from './guest-config.js';
import { lockSchema } from './lock.js';
import { shelvedSchema } from './shelved.js';
import { snapshotSourceSchema } from './snapshot.js';
import { wantedNicsSchema } from './nics.js';
import { retrySchema } from './retry.js';
import { powerSchema, wishOfPower, wishSchema, type Wish } from './wish.js';

/** What our scheduler writes at most, as JSON. etcd takes 1.5 MiB, but an agent reads and watches many of them. */
export const MAX_REQUEST_BYTES = 256 * 1024;

/**
 * The value at `/hosts/<host>/<instance>`: what a person wishes. Written by the scheduler (ours or the original's). The agent writes only
 * what an action has changed of it, such as the image of a rebuild, in the transaction that notes the outcome. The first six members are the original's; a request with only those is a complete one. Unknown members are kept.
 *
 * An empty `allocations` object is the wish to be destroyed, as in the original; then `image` is null.
 */
export const bootRequestSchema = z.looseObject({
  allocations: z.record(z.guid(), z.looseObject({ resources: z.record(z.string(), z.int().nonnegative()) })),
  user_id: z.string().optional(),
  project_id: z.string().optional(),
  consumer_generation: z.int().nullable().optional(),
  instance: instanceUuidSchema,
  image: z.string().nullable(),

  /** Ours, all optional. The version of these members. */
  version: z.literal(1).optional(),
  name: instanceNameSchema.optional(),
  /** Of the file that the image's URL gives; another file is not used. */
  image_checksum: imageChecksumSchema.optional(),
  /** Disks beside the root disk, which has what these leave of DISK_GB. */
  disks: furtherDisksSchema.optional(),
  /** Where the image is, when it is a snapshot. */
  image_source: snapshotSourceSchema.optional(),
  /** It is shelved, or on its way back: its disks are made from copies, and not from its image. */
  shelved: shelvedSchema.optional(),
  /** Its interfaces. Missing: those that its host gives to every guest. */
  nics: wantedNicsSchema.optional(),
  /** What is to be done, in order. */
  wishes: z.array(wishSchema).optional(),
  /** Nothing else can be asked of it while this is there. */
  locked: lockSchema.optional(),
  /** Undefined: it stays on the host that was chosen first. */
  retry: retrySchema.optional(),
  /** How earlier versions wrote the last wish. */
  power: powerSchema.optional(),
  ...guestMembers,
});
export type BootRequest = z.output<typeof bootRequestSchema>;

export const isDestroyWish = (request: BootRequest): boolean => Object.keys(request.allocations).length === 0;

/** The request of an instance that has its disks again. */
export const withoutCopies = ({ shelved: _shelved, ...request }: BootRequest): BootRequest => request;

/** What is asked of the instance, in order. */
export const wishesOf = ({ wishes = [], power }: Pick<BootRequest, 'wishes' | 'power'>): readonly Wish[] =>
  (power ? [...wishes, wishOfPower(power)] : wishes).toSorted((a, b) => a.count - b.count);

/** What the request allocates on a host, by resource class; undefined when it allocates nothing there. */
export const resourcesOn = (request: BootRequest, host: ProviderUuid): Record<string, number> | undefined => {
  const entry = Object.entries(request.allocations).find(([provider]) => provider.toLowerCase() === host);
  return entry?.[1].resources;
};

/** The request with other amounts on one host; what is not named stays. */
export const withResourcesOn = (
  request: BootRequest,
  host: ProviderUuid | undefined,
  changes: Readonly<Record<string, number>>,
): BootRequest => {
  const allocations = Object.entries(request.allocations).map(([provider, entry]) =>
    provider.toLowerCase() === host
      ? [provider, { ...entry, resources: { ...entry.resources, ...changes } }]
      : [provider, entry],
  );
  return { ...request, allocations: Object.fromEntries(allocations) };
};

/** The providers that the request allocates from. */
export const providersOf = (request: BootRequest): ProviderUuid[] =>
  Object.keys(request.allocations).map((provider) => providerUuidSchema.parse(provider));
