import { z } from 'zod';
import type { InstanceState } from '../etcd/messages/instance-record.js';

/** Something that a person can ask of an instance once it is built. Each is a file of its own, listed in `kinds.ts`. */
export interface WishKind {
  /** Completes "asked to be …". */
  readonly participle: string;
  /** What else is said with it. Unknown members of a stored wish are ignored. */
  readonly args: z.ZodObject;
  /** The states in which it may be asked. Asked while the instance is being built, it is carried out as soon as that is done. */
  readonly from: readonly InstanceState[];
  /** What the record says once it is carried out. */
  readonly leadsTo: InstanceState;
  /** What it is about. A wish replaces those about the same that are still waiting. */
  readonly subject: 'power';
}

export const NO_ARGS = z.object({});

/** Before the first guest runs. */
export const UNBUILT = ['scheduled', 'building'] as const satisfies readonly InstanceState[];
