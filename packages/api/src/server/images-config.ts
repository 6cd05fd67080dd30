import { secondsKey } from '@etcd-compute/common/config/sections';
import { allowPrivateKey } from '@etcd-compute/common/images/allow-private';
import { z } from 'zod';

const address = z.union([z.ipv4(), z.ipv6()], 'expected an address such as 10.20.0.5 or fd00::5');

/** `images` of `eapi.yaml`. */
export const imagesSection = z
  .strictObject({
    folder: z
      .string()
      .startsWith('/', 'expected a path that begins with a slash')
      .default('/var/lib/eapi/images')
      .describe('where the contents of images are; made when the first one comes'),
    max_size: z.number().positive().max(65_536).default(64).describe('the largest image, in GiB'),
    quota: z
      .number()
      .positive()
      .optional()
      .describe('how much all images may take, in GiB; without it, what the disk has'),
    keep_free: z.number().nonnegative().default(1).describe('how much of the file system images leave free, in GiB'),
    stall: secondsKey(60, 'how long an upload or an import may bring nothing'),
    allow_private: allowPrivateKey,
    ca_cert: z.string().optional().describe('file: certificates of further authorities to trust for https'),
    listen: address.optional().describe('the address at which agents and other servers fetch images; by default all'),
    port: z.int().min(0).max(65_535).default(0).describe('the port for that; 0: any free port'),
    advertise: z
      .array(z.union([address, z.string().regex(/^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$/)]))
      .min(1)
      .max(8)
      .optional()
      .describe('addresses or host names at which agents reach it; by default the machine’s own'),
  })
  .prefault({});
