import { z } from 'zod';
import {
  instanceUuidSchema,
  projectSchema,
  providerUuidSchema,
  type InstanceUuid,
  type ProviderUuid,
} from '../../ids.js';
import { instanceRecordSchema } from './instance-record.js';

/**
 * The value at `/instances/<instance>`: where an instance is. Only schedulers write it, in the txn of its boot request and its record.
 * What the original has booted has none. When the instance is gone it is put under a lease, to go with the record.
 */
export const instanceLocationSchema = z.looseObject({
  version: z.literal(2),
  instance: instanceUuidSchema,
  host: providerUuidSchema,
  project: projectSchema,
  name: z.string().nullable(),
  created_at: z.string(),
});
export type InstanceLocation = z.output<typeof instanceLocationSchema>;

/** In version 1 the record itself stood there. An agent moves the records of its host when it is upgraded. */
export const storedLocationSchema = z.union([instanceLocationSchema, instanceRecordSchema]);
export type StoredLocation = z.output<typeof storedLocationSchema>;

export interface NewLocation {
  readonly instance: InstanceUuid;
  readonly host: ProviderUuid;
  readonly project: string;
  readonly name: string | null;
  readonly created_at: string;
}

export const newLocation = ({ instance, host, project, name, created_at }: NewLocation): InstanceLocation => ({
  version: 2,
  instance,
  host,
  project,
  name,
  created_at,
});
