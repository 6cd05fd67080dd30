import { z } from 'zod';
import { projectSchema } from '../../ids.js';
import { imageChecksumSchema } from '../../image-checksum.js';
import { faultSchema } from './instance-record.js';
import { snapshotSourceSchema } from './snapshot.js';

/**
 * The value at `/images/<host>/wishes/<id>`: what a person wishes of a host's cache of images. Written by the scheduler without an
 * outcome and under a lease, so that what nobody carries out does not stay; the agent carries it out and adds the outcome, once.
 */
export const imageWishSchema = z.looseObject({
  version: z.literal(1),
  wish: z.enum(['prefetch', 'remove']),
  /** A URL or `snapshot:NAME@sha256:...`; of `remove` also `sha256:...` of the cached content. */
  image: z.string(),
  /** Where to prefetch a snapshot from; of one that is to be removed, which one it is. */
  source: snapshotSourceSchema.optional(),
  /** Of a snapshot that is to be removed. */
  project: projectSchema.optional(),
  checksum: imageChecksumSchema.optional(),
  outcome: z
    .looseObject({
      /** For people: what was done. Null when it failed. */
      done: z.string().nullable(),
      fault: faultSchema.nullable(),
    })
    .nullable(),
});
export type ImageWish = z.output<typeof imageWishSchema>;

/** A wish that no agent takes up is forgotten after a day. */
export const IMAGE_WISH_TTL_SECONDS = 86_400;
