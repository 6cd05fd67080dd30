import { z } from 'zod';

/** That an instance is not to be changed, and why. */
export const lockSchema = z.looseObject({ reason: z.string() });
export type Lock = z.output<typeof lockSchema>;
