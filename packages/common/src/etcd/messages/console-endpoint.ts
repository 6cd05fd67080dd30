import { z } from 'zod';
import { agentEndpointSchema } from './agent-endpoint.js';

/**
 * The value at `/consoles/<host>`: where the agent of a host serves consoles and tunnels to those who have its key. It lives under the
 * agent's lease, and is apart from the presence because it is a secret: who may read it may read every console of the host.
 */
export const consoleEndpointSchema = agentEndpointSchema.extend({
  /** The pre-shared key, 32 random bytes in base64; made anew by each session. */
  key: z.string().regex(/^[A-Za-z0-9+/]{43}=$/, 'expected 32 bytes in base64'),
});
export type ConsoleEndpoint = z.output<typeof consoleEndpointSchema>;
