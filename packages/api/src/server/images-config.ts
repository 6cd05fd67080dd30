import { secondsKey } from '@etcd-compute/common/config/sections';
import { allowPrivateKey } from '@etcd-compute/common/images/allow-private';
import { z } from 'zod';

const address = z.union([z.ipv4(), z.ipv6()], 'expected an address such as 10.20.0.5 or fd00::5');

const s3Section = z
  .strictObject({
    bucket: z
      .string()
      .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{1,253}[A-Za-z0-9]$/, 'expected the name of a bucket, such as images')
      .describe('the bucket, which must exist'),
    endpoint: z
      .url({ protocol: /^https?$/, error: 'expected an http(s) URL such as https://s3.example' })
      .optional()
      .describe('where S3 is served; by default AWS, in the region'),
    region: z.string().min(1).max(64).default('us-east-1').describe('the region; servers of your own have one too'),
    prefix: z
      .string()
      .regex(/^([A-Za-z0-9_.-]+\/)*$/, 'expected nothing, or a path such as cloud1/ with a slash at its end')
      .default('')
      .describe('what the keys of all objects begin with'),
    path_style: z
      .boolean()
      .optional()
      .describe('whether the bucket is in the path rather than in the host name; by default so with an endpoint'),
    access_key: z.string().min(1).optional().describe('the access key; without it, as AWS’s tools find one'),
    secret_key: z.string().min(1).optional().describe('the secret key; better use secret_key_file'),
    secret_key_file: z.string().optional().describe('file: the secret key'),
    ca_cert: z.string().optional().describe('file: certificates of further authorities to trust for the endpoint'),
    timeout: secondsKey(60, 'how long one request may take, and how long a download may bring nothing'),
  })
  .refine((s3) => (s3.access_key === undefined) === (s3.secret_key === undefined && s3.secret_key_file === undefined), {
    message: 'access_key goes together with secret_key_file or secret_key',
    path: ['access_key'],
  });
export type S3Section = z.output<typeof s3Section>;

/** `images` of `eapi.yaml`. */
export const imagesSection = z
  .strictObject({
    folder: z
      .string()
      .startsWith('/', 'expected a path that begins with a slash')
      .default('/var/lib/eapi/images')
      .describe('where the contents of images are; made when the first one comes'),
    s3: s3Section.optional().describe('keep contents in S3 instead; the folder then has what is being received'),
    max_size: z.number().positive().max(65_536).default(64).describe('the largest image, in GiB'),
    quota: z
      .number()
      .positive()
      .optional()
      .describe('how much the folder may take, in GiB; without it, what the disk has'),
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
