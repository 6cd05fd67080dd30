import { z } from 'zod';
import { instanceUuidSchema, type InstanceUuid } from '../../ids.js';

/**
 * The value at `/names/<project>/<name>`: the instance that has the name. One without a name stands there under its uuid, and so does
 * one that was deleted within the hour. Only schedulers write it: in the txn of the boot request, and again when the instance is gone.
 */
export const nameHolderSchema = z.looseObject({ version: z.literal(1), instance: instanceUuidSchema });
export type NameHolder = z.output<typeof nameHolderSchema>;

export const renderHolder = (instance: InstanceUuid): string =>
  JSON.stringify({ version: 1, instance } satisfies NameHolder);
