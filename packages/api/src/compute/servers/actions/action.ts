import type { z } from 'zod';
import type { ApiReply } from '../../../http/route.js';
import type { ComputeRequest } from '../../compute-route.js';
import type { Target } from '../engine/ask-server.js';
import type { Servers } from '../servers.js';

/** An action as a request asks for it. */
export interface Asking<Args> {
  readonly servers: Servers;
  readonly target: Target;
  readonly args: Args;
  readonly request: ComputeRequest;
}

/** Something that can be asked of a server by `POST /servers/ID/action`. */
export interface ServerAction {
  /** The first version that has it, and the last one. */
  readonly since?: number;
  readonly until?: number;
  readonly isForAdmins?: true;
  readonly args: (minor: number) => z.ZodType;
  /** @throws HttpError. */
  readonly run: (asking: Asking<unknown>) => Promise<ApiReply>;
}

interface TypedAction<S extends z.ZodType> extends Omit<ServerAction, 'args' | 'run'> {
  readonly args: (minor: number) => S;
  readonly run: (asking: Asking<z.output<S>>) => Promise<ApiReply>;
}

export const serverAction = <S extends z.ZodType>({ run, ...action }: TypedAction<S>): ServerAction => ({
  ...action,
  // eslint-disable-next-line typescript/no-unsafe-type-assertion -- the schema has been applied before
  run: async (asking) => run(asking as Asking<z.output<S>>),
});

export const ACCEPTED: ApiReply = { status: 202 };
