import type { Served as ServedRequest } from '@etcd-compute/common/serving/http-app';
import type { Caller } from './caller.js';
import type { Route } from './route.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** Undefined when there is no token, or before it has been looked at. */
    caller: Caller | undefined;
  }

  interface FastifyContextConfig {
    readonly streams?: Route['streams'];
  }
}

export interface Served extends ServedRequest {
  readonly caller: Caller | undefined;
}
