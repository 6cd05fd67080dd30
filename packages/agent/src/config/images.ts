import { allowPrivateKey } from '@etcd-compute/common/images/allow-private';
import { z } from 'zod';

/** `images` of `compute.yaml`. */
export const imagesSection = z
  .strictObject({
    max_size: z
      .number()
      .positive()
      .max(65_536)
      .default(64)
      .describe('the largest image allowed, both as a download and as a file, in GiB'),
    keep_free: z.number().nonnegative().default(1).describe('how much of the file system images leave free, in GiB'),
    keep_hours: z
      .number()
      .min(1)
      .max(87_600)
      .default(168)
      .describe('how long to keep a cached image that no disk needs, in hours'),
    allow_private: allowPrivateKey,
    ca_cert: z.string().optional().describe('file: certificates of further authorities to trust for https'),
    netrc_file: z
      .string()
      .optional()
      .describe('file in netrc format: users and passwords of image servers, sent over https only'),
  })
  .prefault({});
export type ImagesSection = z.output<typeof imagesSection>;
