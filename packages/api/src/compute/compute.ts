import type { ComputeStore } from './state/compute-store.js';

/** What the routes of compute work with. */
export interface Compute {
  readonly store: ComputeStore;
  readonly hasProject: (id: string) => boolean;
  /** What links in answers begin with: the URL of version 2.1. */
  readonly url: string;
}
