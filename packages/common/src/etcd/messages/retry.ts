import { z } from 'zod';
import { providerUuidSchema } from '../../ids.js';

/**
 * How an instance goes on when its host cannot build it: what whoever moves it to another host has to know. It stands in the boot
 * request, so nothing of it is lost with the command that booted the instance.
 */
export const retrySchema = z.looseObject({
  /** So many more hosts may be tried. It never grows. */
  attempts_left: z.int().nonnegative(),
  /** What the instance needs of a host, as a query of Placement. */
  query: z.string(),
  /** Which of the hosts with room. A newer scheduler may know more of them. */
  strategy: z.string(),
  /** Hosts that could not build it, and why. */
  failed_hosts: z.array(z.looseObject({ host: providerUuidSchema, reason: z.string() })).default([]),
});
export type Retry = z.output<typeof retrySchema>;
