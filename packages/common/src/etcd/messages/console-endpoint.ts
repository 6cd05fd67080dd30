import { z } from 'zod';
import { providerUuidSchema, sessionUuidSchema } from '../../ids.js';

/**
 * The value at `/consoles/<host>`: where the agent of a host serves consoles and tunnels to those who have its key. It lives under the
 * agent's lease, and is apart from the presence because it is a secret: who may read it may read every console of the host.
 */
export const consoleEndpointSchema = z.looseObject({
  version: z.literal(1),
  host: providerUuidSchema,
  session: sessionUuidSchema,
  /** All of the agent's that others may reach, the likeliest first. */
  addresses: z.array(z.string().min(1)),
  port: z.int().min(1).max(65_535),
  /** The pre-shared key, 32 random bytes in base64; made anew by each session. */
  key: z.string().regex(/^[A-Za-z0-9+/]{43}=$/, 'expected 32 bytes in base64'),
});
export type ConsoleEndpoint = z.output<typeof consoleEndpointSchema>;
