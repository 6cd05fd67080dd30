import { z } from 'zod';
import { boolean, name, printable } from '../../routes/fields.js';

/** The body of `POST /servers`, by version. https://docs.openstack.org/api-ref/compute/#create-server */

export const metadata = z
  .record(
    z.string().regex(/^[a-zA-Z0-9_.:-]{1,255}$/, 'expected letters, digits, and - _ : . in names'),
    z
      .string()
      .max(255)
      .regex(/^\P{Cc}*$/u, 'expected no control characters'),
  )
  .refine((entries) => Object.keys(entries).length <= 128, 'expected at most 128 entries');

export const accessIPv4 = z.union([z.ipv4(), z.literal('')]);
/** In the one way that RFC 5952 writes it. */
export const accessIPv6 = z.union([
  z.ipv6().transform((address) => new URL(`http://[${address}]`).hostname.slice(1, -1)),
  z.literal(''),
]);
export const diskConfig = z.enum(['AUTO', 'MANUAL']);
export const adminPass = z.string().regex(/^[^\p{Cc}]{0,255}$/u, 'expected one line');
export const description = z
  .string()
  .max(255)
  .regex(/^[^\p{Cc}]*$/u, 'expected no control characters')
  .nullable();
export const tag = z
  .string()
  .min(1)
  .max(60)
  .regex(/^[^,/]*$/, 'a tag has no comma and no slash');
export const tags = z
  .array(tag)
  .max(50)
  .refine((all) => new Set(all).size === all.length, 'expected each tag once');
export const userData = z
  .string()
  .max(65_535)
  .regex(/^[A-Za-z0-9+/\s]*={0,2}\s*$/, 'expected base64');

const MAX_INTEGER = 0x7f_ff_ff_ff;
const count = z
  .union([
    z.int(),
    z
      .string()
      .regex(/^\d{1,9}$/, 'expected a number')
      .transform(Number),
  ])
  .pipe(z.int().min(1).max(MAX_INTEGER));

const uuid = z.guid('expected a uuid');
const network = z.strictObject({
  uuid: z.string().optional(),
  port: uuid.nullish(),
  fixed_ip: z.union([z.ipv4(), z.ipv6()]).optional(),
  tag: z.string().optional(),
});

const hints = z.looseObject({ group: z.union([uuid, z.array(uuid).min(1).max(1)]).optional() });

const refused = (sentence: string) => z.never(sentence).optional();
const since = <S extends z.ZodType>(isThere: boolean, schema: S) =>
  isThere ? schema.optional() : refused('there is no such thing in this version of the API');

const serverOf = (minor: number) =>
  z.strictObject({
    name,
    imageRef: z.union([uuid, z.literal('')]).optional(),
    flavorRef: z.union([z.string().min(1), z.int().transform(String)]),
    adminPass: adminPass.optional(),
    metadata: metadata.optional(),
    networks: minor >= 37 ? z.union([z.array(network), z.enum(['auto', 'none'])]) : z.array(network).optional(),
    'OS-DCF:diskConfig': diskConfig.optional(),
    accessIPv4: accessIPv4.optional(),
    accessIPv6: accessIPv6.optional(),
    personality:
      minor < 57
        ? z.array(z.unknown()).max(0, 'files cannot be put into servers: use user_data').optional()
        : refused('there is no such thing in this version of the API'),
    availability_zone: name.optional(),
    block_device_mapping: z.array(z.unknown()).optional(),
    block_device_mapping_v2: z
      .array(
        z.looseObject({
          source_type: z.enum(['volume', 'image', 'snapshot', 'blank']).optional(),
          destination_type: z.enum(['local', 'volume']).optional(),
          uuid: z.string().optional(),
          boot_index: z.union([z.int(), z.string(), z.null()]).optional(),
        }),
      )
      .optional(),
    config_drive: boolean.optional(),
    key_name: name.optional(),
    min_count: count.optional(),
    max_count: count.optional(),
    return_reservation_id: boolean.optional(),
    security_groups: z.array(z.strictObject({ name: printable.max(255) })).optional(),
    user_data: userData.optional(),
    description: since(minor >= 19, description),
    tags: since(minor >= 52, tags),
    trusted_image_certificates: since(minor >= 63, z.null('there are no trusted certificates here')),
  });

export const createBodyOf = (minor: number) =>
  z.strictObject({
    server: serverOf(minor),
    'os:scheduler_hints': hints.optional(),
    'OS-SCH-HNT:scheduler_hints': hints.optional(),
  });

export type CreateBody = z.output<ReturnType<typeof createBodyOf>>;
