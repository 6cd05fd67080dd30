import { z } from 'zod';
import { instanceNameSchema } from '../../ids.js';

/* The members of a boot request that are for the guest: its agent puts them where the guest looks for them. All optional. */

/** What EC2 and OpenStack allow, before base64; etcd's limit of a value is far above. */
export const MAX_USER_DATA_BYTES = 64 * 1024;
export const MAX_SSH_KEYS = 100;
export const MAX_META_ENTRIES = 128;

export const metaKeySchema = z
  .string()
  .regex(/^[A-Za-z0-9_.:-]{1,255}$/, 'expected up to 255 letters, digits, dots, colons, dashes and underscores');
export const metaValueSchema = z
  .string()
  .max(4096, 'expected at most 4096 characters')
  .regex(/^[^\p{Cc}]*$/u, 'expected no control characters');

export const FIRMWARES = ['bios', 'uefi'] as const;

export const guestMembers = {
  /** Lines as in an authorized_keys file, without options. */
  ssh_keys: z
    .array(z.string().regex(/^[^\p{Cc}]{1,16384}$/u, 'expected one line'))
    .max(MAX_SSH_KEYS)
    .optional(),
  /** Whatever the guest's cloud-init understands; nobody else reads it. */
  user_data: z
    .string()
    .refine((text) => Buffer.byteLength(text) <= MAX_USER_DATA_BYTES, `expected at most ${MAX_USER_DATA_BYTES} bytes`)
    .optional(),
  /** The same where it is no text, such as what is compressed; in its place. */
  user_data_base64: z
    .base64()
    .refine(
      (base64) => Buffer.byteLength(base64, 'base64') <= MAX_USER_DATA_BYTES,
      `expected at most ${MAX_USER_DATA_BYTES} bytes`,
    )
    .optional(),
  meta: z
    .record(metaKeySchema, metaValueSchema)
    .refine((meta) => Object.keys(meta).length <= MAX_META_ENTRIES, `expected at most ${MAX_META_ENTRIES} entries`)
    .optional(),
  firmware: z.enum(FIRMWARES).optional(),
  /** The guest's host name, where it is not the instance's name. */
  hostname: instanceNameSchema.optional(),
  /** What the guest may set as its administrator's password. On a config drive alone: every process of a guest can ask for metadata. */
  admin_pass: z
    .string()
    .regex(/^[^\p{Cc}]{1,255}$/u, 'expected one line')
    .optional(),
};

const guestMembersSchema = z.object(guestMembers);
export type GuestMembers = z.output<typeof guestMembersSchema>;
