import type { Served as ServedRequest } from '@etcd-compute/common/serving/http-app';
import type { Caller } from './caller.js';

export interface Served extends ServedRequest {
  readonly caller: Caller | undefined;
  /** N of microversion 1.N; undefined when it was not understood. */
  readonly version: number | undefined;
}
