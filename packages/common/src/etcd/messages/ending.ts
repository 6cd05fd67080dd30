import { z } from 'zod';
import { projectSchema, providerUuidSchema } from '../../ids.js';

/**
 * The value at `/ending/<instance>`: the instance was asked to be destroyed, and its location and its name are to be removed once its
 * agent is through with it. Only schedulers write it: an agent cannot reach those keys.
 */
export const endingSchema = z.looseObject({
  version: z.literal(1),
  host: providerUuidSchema,
  project: projectSchema,
  name: z.string().nullable(),
});
export type Ending = z.output<typeof endingSchema>;
