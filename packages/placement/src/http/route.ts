import type { PlacementStore } from '../store/placement-store.js';

/** A request that has been let in: its version is known, its caller is allowed, its query and body fit their schemas. */
export interface ApiRequest {
  /** N of microversion 1.N. */
  readonly version: number;
  /** The parts of the path that are named in the route. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  /** JSON; undefined when the route takes no body. */
  readonly body: unknown;
  readonly store: PlacementStore;
  /** Makes a path of a link: the API may be served below a prefix. */
  readonly linkTo: (path: string) => string;
}

export interface ApiReply {
  readonly status: number;
  /** Sent as JSON; none is sent when it is undefined. */
  readonly body?: unknown;
  readonly location?: string;
  /** Milliseconds since 1970. Sent from 1.15 on, with `cache-control: no-cache`. */
  readonly lastModified?: number;
}

export type JsonSchema = Readonly<Record<string, unknown>>;

/** One operation on one resource. Routes of one path and method differ in their versions. */
export interface Route {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Named parts stand as `:uuid`. */
  readonly path: string;
  /** N of the first microversion 1.N that has it. Before it, it is not found, or not allowed where the path has other methods. */
  readonly since?: number;
  /** The rule that decides who may, in the names of OpenStack Placement's policies. Undefined: anybody, without a token too. */
  readonly rule?: string;
  /** Whose it is, where the rule asks: projects see their own usages. The query has not been looked at yet. */
  readonly projectOf?: (query: URLSearchParams) => string | undefined;
  /** What the named parts of the path must be. */
  readonly params?: JsonSchema;
  /** Its path names a provider, as `:uuid`. That there is none is told before what is wrong with the body. */
  readonly isOfProvider?: true;
  /** What a body must be. Only a route that has this takes one. The same version has the same object each time. */
  readonly body?: (version: number) => JsonSchema;
  /** What a query must be, as an object of strings: of a name that is there several times, the last. */
  readonly query?: (version: number) => JsonSchema;
  /** @throws Refusal. */
  readonly handle: (request: ApiRequest) => Promise<ApiReply>;
}
