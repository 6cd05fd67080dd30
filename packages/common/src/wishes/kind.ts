import { z } from 'zod';
import type { BootRequest } from '../etcd/messages/boot-request.js';
import type { InstanceState } from '../etcd/messages/instance-record.js';

/** What a person can ask of an instance. There are two kinds, each a file of its own: actions and edits. */
interface Kind {
  /** Completes "asked to be …". */
  readonly participle: string;
  /** What else is said with it. Unknown members of a stored wish are ignored. */
  readonly args: z.ZodObject;
  /** The states in which it may be asked. */
  readonly from: readonly InstanceState[];
}

/** Something to do once, such as to reboot. Asked while the instance is being built, it is done as soon as that is over. */
export interface ActionKind extends Kind {
  readonly type: 'action';
  /** What the record says once it is carried out. */
  readonly leadsTo: InstanceState;
  /** What it is about. A wish replaces those about the same that are still waiting. */
  readonly subject: 'power';
}

/** A change of what the instance should be, such as its name. The record says the same once the agent has seen to it. */
export interface EditKind extends Kind {
  readonly type: 'edit';
  /** @param args as `args` parses them. */
  readonly edit: (request: BootRequest, args: Readonly<Record<string, unknown>>) => BootRequest;
  /** It may be asked of an instance that is locked. */
  readonly ignoresLock?: true;
}

export const NO_ARGS = z.object({});

/** Before the first guest runs. */
export const UNBUILT = ['scheduled', 'building'] as const satisfies readonly InstanceState[];

/** With a guest, or on the way to one. */
export const ALIVE = [...UNBUILT, 'active', 'stopped', 'suspended'] as const satisfies readonly InstanceState[];
