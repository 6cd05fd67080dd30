import { z } from 'zod';
import { providerUuidSchema, sessionUuidSchema } from '../../ids.js';

/**
 * The value at `/images/<host>/report`: what the host's agent has in its cache of images. Written when it changes, under no lease:
 * what a host held when it went down stays known.
 */
export const imageReportSchema = z.looseObject({
  version: z.literal(1),
  host: providerUuidSchema,
  session: sessionUuidSchema,
  images: z.array(
    z.looseObject({
      sha256: z.string(),
      /** What it takes of the disk. */
      bytes: z.number().nonnegative(),
      urls: z.array(z.string()),
      /** Disks on it. */
      disks: z.int().nonnegative(),
    }),
  ),
});
export type ImageReport = z.output<typeof imageReportSchema>;
