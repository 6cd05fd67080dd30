import { z } from 'zod';
import type { BootRequest } from '../etcd/messages/boot-request.js';
import type { WantedNic } from '../etcd/messages/nics.js';
import type { InstanceState } from '../etcd/messages/instance-record.js';

/* What a person can ask of an instance. There are two kinds, each a file of its own: actions and edits. */

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
  /** What the record says once it is carried out. `as-before`: a guest that has to be stopped for it is started again if it ran. */
  readonly leadsTo: InstanceState | 'as-before';
  /** What it is about. A later one about the same may replace it while it waits; null: nothing replaces it. */
  readonly subject: 'power' | null;
  /**
   * Whether it replaces those about the same that still wait, or are under way. Only what can be carried out whatever they leave may: a
   * pause that replaced a reboot would find the guest off. Default: it waits for its turn.
   */
  readonly replaces?: true;
  /**
   * What the request says once it is carried out. The agent writes it in the transaction that notes the outcome, so a wish that fails leaves
   * the request as it was.
   *
   * @param args as `args` parses them.
   * @param nics what the instance has, also when its request leaves that to the host.
   */
  readonly edit?: (
    request: BootRequest,
    args: Readonly<Record<string, unknown>>,
    found: { readonly nics: readonly WantedNic[] },
  ) => BootRequest;
  /**
   * Completes what people may shorten. The cloud asks before it writes the wish.
   *
   * @param args as `args` parses them.
   * @throws EcomputeError when it could mean several things, or nothing.
   */
  readonly complete?: (
    args: Readonly<Record<string, unknown>>,
    request: BootRequest,
  ) => Readonly<Record<string, unknown>>;
  /**
   * Whether it would change anything. The cloud asks before it writes the wish, the agent before it carries it out.
   *
   * @throws EcomputeError when the instance cannot be changed so as it is.
   */
  readonly isNeeded?: (asked: Asked) => boolean;
  /** What tests say with it. Default: nothing. */
  readonly example?: Readonly<Record<string, unknown>>;
}

export interface Asked {
  readonly request: BootRequest;
  /** Its guest runs, or will before this is carried out. */
  readonly isRunning: boolean;
  /** The interfaces that it has. Null: its agent has not said. */
  readonly nics: readonly WantedNic[] | null;
  /** The networks of its host. Undefined: nobody has said. */
  readonly networks?: readonly string[] | undefined;
  /** As `args` parses them. */
  readonly args: Readonly<Record<string, unknown>>;
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
