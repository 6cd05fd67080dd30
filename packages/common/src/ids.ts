import { randomUUID } from 'node:crypto';
import { z } from 'zod';

/**
 * A uuid in any version and letter case, as Placement and libvirt take it; kept in lower case, because both
 * print it so and etcd keys compare byte by byte.
 */
const uuid = z
  .guid('expected a uuid such as 6b2f3c1e-0c5d-4a36-9d6c-1f8d1a2b3c4d')
  .transform((value) => value.toLowerCase());

/** The uuid of an instance, which is also its Placement consumer, its libvirt domain and that domain's name. */
export const instanceUuidSchema = uuid.brand<'InstanceUuid'>();
export type InstanceUuid = z.infer<typeof instanceUuidSchema>;

/** The uuid of a host, which is its Placement resource provider. */
export const providerUuidSchema = uuid.brand<'ProviderUuid'>();
export type ProviderUuid = z.infer<typeof providerUuidSchema>;

/** One disk of an instance, which is a part of its file's name. That of its root disk is the instance's own. */
export const diskUuidSchema = uuid.brand<'DiskUuid'>();
export type DiskUuid = z.infer<typeof diskUuidSchema>;

/** One run of one agent process: it marks what that process has claimed. */
export const sessionUuidSchema = uuid.brand<'SessionUuid'>();
export type SessionUuid = z.infer<typeof sessionUuidSchema>;

export const newInstanceUuid = (): InstanceUuid => instanceUuidSchema.parse(randomUUID());
export const newProviderUuid = (): ProviderUuid => providerUuidSchema.parse(randomUUID());
export const newDiskUuid = (): DiskUuid => diskUuidSchema.parse(randomUUID());
export const newSessionUuid = (): SessionUuid => sessionUuidSchema.parse(randomUUID());

export const isUuid = (text: string): boolean => uuid.safeParse(text).success;

/**
 * A name that a person gives to an instance: a host name label (RFC 1123), because the guest gets it as its own.
 */
export const instanceNameSchema = z
  .string()
  .regex(
    /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/,
    'expected 1 to 63 lower-case letters, digits and inner hyphens, such as web1',
  );

/** A project owns instances, and their names are unique in it. It stands in keys of etcd, and is the project id in Placement. */
export const projectSchema = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/,
    'expected 1 to 63 letters, digits, dots, underscores and hyphens, a letter or digit first',
  );

/** The project of whoever names none. */
export const DEFAULT_PROJECT = 'default';
