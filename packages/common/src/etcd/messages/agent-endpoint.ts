import { z } from 'zod';
import { providerUuidSchema, sessionUuidSchema } from '../../ids.js';

/**
 * The value at `/endpoints/<host>`: where the agent of a host serves, for the agents of other hosts, all of which may read it. It lives under
 * the agent's lease, and lets nobody in: keys are elsewhere.
 */
export const agentEndpointSchema = z.looseObject({
  version: z.literal(1),
  host: providerUuidSchema,
  session: sessionUuidSchema,
  /** All of the agent's that others may reach, the likeliest first. */
  addresses: z.array(z.string().min(1)),
  port: z.int().min(1).max(65_535),
});
export type AgentEndpoint = z.output<typeof agentEndpointSchema>;
