import ipaddr from 'ipaddr.js';
import { z } from 'zod';

const HOST_NAME = /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/;

/** `images` of `compute.yaml`. */
export const imagesSection = z
  .strictObject({
    max_size: z
      .number()
      .positive()
      .max(65_536)
      .default(64)
      .describe('the largest image that is taken, as it is sent and as a file, in GiB'),
    keep_free: z.number().nonnegative().default(1).describe('what images leave free of the file system, in GiB'),
    keep_hours: z
      .number()
      .min(1)
      .max(87_600)
      .default(168)
      .describe('how long a cached image that no disk needs is kept, in hours'),
    allow_private: z
      .array(
        z
          .string()
          .toLowerCase()
          .refine(
            (text) => ipaddr.isValid(text) || ipaddr.isValidCIDR(text) || HOST_NAME.test(text),
            'expected an address, a network such as 10.20.0.0/16, or the name of a host',
          ),
      )
      .default([])
      .describe('image servers at private, loopback or link-local addresses that may be asked all the same'),
    ca_cert: z
      .string()
      .optional()
      .describe('file: certificates of authorities that are trusted for https beside the usual ones'),
    netrc_file: z
      .string()
      .optional()
      .describe('file in the form of netrc: users and passwords of image servers, sent by https only'),
  })
  .prefault({});
export type ImagesSection = z.output<typeof imagesSection>;
