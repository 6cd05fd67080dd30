import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { SECRET } from '../auth/auth-request.js';

/** Parts of bodies. A member that is `null` counts as not there, as clients send what they have no value for. */

export const nameField = z.string().trim().min(1).max(255);
export const text = z.string().max(1024);
export const idField = z.string().regex(/^[\w.-]{1,64}$/, 'expected an id');
export const tags = z
  .array(
    z
      .string()
      .min(1)
      .max(255)
      .regex(/^[^,/]*$/, 'a tag has no comma and no slash'),
  )
  .max(80);
export const passwordField = SECRET.min(1);

/** What has no value is left out. */
export const orNothing = <S extends z.ZodType>(schema: S) =>
  z.preprocess((value) => value ?? undefined, schema.optional());

const MAX_EXTRAS = 20;
const MAX_EXTRA_BYTES = 4096;

/** What an answer has by other means, and nobody may set. */
const RESERVED = [
  'id',
  'links',
  'options',
  'extra',
  'password_expires_at',
  'is_domain',
  'parent_id',
  'domain_id',
  'tags',
];

/** Members that are none of ours, which clients may add. @param known ours. */
export const extrasOf = (body: Readonly<Record<string, unknown>>, known: readonly string[]): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(body).filter(
      ([key, value]) => !known.includes(key) && !RESERVED.includes(key) && value !== undefined,
    ),
  );

/** A body that may have members of the client's own. */
export const withExtras = <S extends z.ZodRawShape>(shape: S) =>
  z
    .looseObject(shape)
    .refine((body) => Object.keys(body).length <= MAX_EXTRAS + Object.keys(shape).length, {
      message: 'too many members',
    })
    .refine((body) => JSON.stringify(body).length <= MAX_EXTRA_BYTES * 2, { message: 'too long' });

export const newId = (): string => randomUUID().replaceAll('-', '');
