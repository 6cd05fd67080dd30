import type { HttpError } from './http-error.js';
import type { ApiRequest, Route } from './route.js';
import type { SocketRoute } from './socket-route.js';

/** One of OpenStack's services, below a path of its own. */
export interface Service {
  readonly name: string;
  /** What stands before the paths of its routes, such as `/identity`. */
  readonly path: string;
  readonly routes: readonly Route[];
  readonly sockets?: readonly SocketRoute[];
  /** Who may do what, by the names that routes have, in the rule language of `parseRule`. */
  readonly rules: Readonly<Record<string, string>>;
  /** Resolves when its routes see all that was written before. */
  readonly look?: () => Promise<unknown>;
  /** What each answer has, also to what is refused. @throws HttpError when a request cannot be answered at all. */
  readonly headersOf?: (request: Pick<ApiRequest, 'header' | 'url' | 'requestId'>) => Readonly<Record<string, string>>;
  /** The body that its clients expect of an error. */
  readonly renderError: (error: HttpError) => object;
  /** What an error's reply has beside its body. */
  readonly headersOfError?: (error: HttpError) => Readonly<Record<string, string>>;
}
