import type { Caller } from './caller.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** N of microversion 1.N; undefined until it is understood. */
    version: number | undefined;
    /** Undefined when there is no token. */
    caller: Caller | undefined;
  }
}
