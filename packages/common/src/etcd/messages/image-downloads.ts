import { z } from 'zod';
import { providerUuidSchema, sessionUuidSchema } from '../../ids.js';
import { transferSchema } from './instance-record.js';

/** The step of a build that waits for a download. */
export const FETCH_IMAGE_STEP = 'fetch-image';

/**
 * The value at `/images/<host>/downloads`: how far the downloads of a host's agent are. It is written at most once a second while
 * something is downloaded, whatever number of instances waits for it, and is under the agent's lease. Without downloads there is none.
 */
export const imageDownloadsSchema = z.looseObject({
  version: z.literal(1),
  host: providerUuidSchema,
  session: sessionUuidSchema,
  downloads: z.array(
    transferSchema.extend({
      /** The URL, in the form that `new URL(…).href` gives. */
      image: z.string(),
      /** `downloading` or `unpacking`, or what a newer agent knows. */
      phase: z.string(),
    }),
  ),
});
export type ImageDownloads = z.output<typeof imageDownloadsSchema>;
export type ImageDownload = ImageDownloads['downloads'][number];
