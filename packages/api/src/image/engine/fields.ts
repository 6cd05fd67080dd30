import { z } from 'zod';
import { badRequest, forbidden } from '../../http/http-error.js';
import { visibilitySchema } from '../state/records.js';

/** What clients say of an image. */

/** Those that servers boot from: a content is looked at before it is taken. */
export const BOOTABLE_FORMATS = ['raw', 'qcow2'] as const;
/** The others are kept for who downloads them again. */
export const DISK_FORMATS = [...BOOTABLE_FORMATS, 'ami', 'ari', 'aki'] as const;
export const CONTAINER_FORMATS = ['bare', 'ami', 'ari', 'aki'] as const;
export const PATTERN_OF_ID = '^([0-9a-fA-F]){8}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}-([0-9a-fA-F]){12}$';
export const MAX_TAGS = 128;
export const MAX_PROPERTIES = 128;
/** As an amount of MiB or GiB that a database of OpenStack's takes. */
const MAX_AMOUNT = 2 ** 31 - 1;

export const tagSchema = z.string().min(1).max(255);

/** What may be said of an image when it is made, and changed later. */
export const FIELDS = {
  name: z.string().max(255).nullable(),
  visibility: visibilitySchema,
  protected: z.boolean(),
  os_hidden: z.boolean(),
  owner: z.string().max(255),
  disk_format: z.enum(DISK_FORMATS).nullable(),
  container_format: z.enum(CONTAINER_FORMATS).nullable(),
  min_disk: z.int().min(0).max(MAX_AMOUNT),
  min_ram: z.int().min(0).max(MAX_AMOUNT),
  tags: z.array(tagSchema).max(MAX_TAGS),
} as const;
export type FieldName = keyof typeof FIELDS;

export const isField = (name: string): name is FieldName => Object.hasOwn(FIELDS, name);

const READ_ONLY: readonly string[] = [
  'id',
  'created_at',
  'updated_at',
  'status',
  'checksum',
  'size',
  'virtual_size',
  'direct_url',
  'self',
  'file',
  'schema',
  'stores',
  'os_hash_algo',
  'os_hash_value',
];
const RESERVED: readonly string[] = ['location', 'locations', 'deleted', 'deleted_at'];

/** @throws HttpError 403 for what no client may say. */
export const checkMayBeSaid = (name: string): void => {
  if (READ_ONLY.includes(name)) throw forbidden(`Attribute '${name}' is read-only.`);
  if (RESERVED.includes(name) || name.startsWith('os_glance')) throw forbidden(`Attribute '${name}' is reserved.`);
};

const propertySchema = z.string().max(65_535);

/** @throws HttpError 400 for what is no property. */
export const readProperty = (name: string, value: unknown): string => {
  if (name === '' || name.length > 255) throw badRequest('The name of a property has 1 to 255 characters.');
  const parsed = propertySchema.safeParse(value);
  if (!parsed.success) throw badRequest(`The property '${name}' must be a text of at most 65535 characters.`);
  return parsed.data;
};
