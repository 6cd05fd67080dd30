import type { CallCounts } from '@etcd-compute/testing/count-calls';

/** What is said between `bench:fleet` and a process with agents. */

export interface AgentToStart {
  /** As in `compute.yaml`. */
  readonly config: Readonly<Record<string, unknown>>;
}

export type AgentsCommand =
  | { readonly kind: 'start'; readonly agents: readonly AgentToStart[] }
  | { readonly kind: 'measure'; readonly collectsGarbage: boolean };

export type AgentsMessage =
  | { readonly kind: 'loaded' }
  | { readonly kind: 'started' }
  | { readonly kind: 'failed'; readonly message: string }
  | ({ readonly kind: 'measured' } & Measured);

export interface Measured {
  readonly residentKiB: number;
  readonly counts: CallCounts;
}
