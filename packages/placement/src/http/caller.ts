import type { IncomingHttpHeaders } from 'node:http';

/** Who asks, as a token tells it. */
export interface Caller {
  readonly userId: string;
  /** Undefined for a token that is not a project's. */
  readonly projectId: string | undefined;
  readonly roles: readonly string[];
  /** `all` for a token of the whole system. */
  readonly systemScope: string | undefined;
}

/** @returns undefined when nobody is known by these headers. */
export type Authenticate = (headers: IncomingHttpHeaders) => Caller | undefined;

/**
 * Takes whatever a request says of itself: `x-auth-token: USER[:PROJECT]` and `x-roles`. For tests and for networks where everybody may do
 * everything. The user `admin` has the role of the same name.
 */
export const trustHeaders: Authenticate = (headers) => {
  const token = headerOf(headers, 'x-auth-token');
  const [userId = '', project] = (token ?? '').split(':');
  if (userId === '') return undefined;
  const systemScope = headerOf(headers, 'openstack-system-scope');
  const projectId = headerOf(headers, 'x-project-id') ?? (systemScope ? undefined : project || userId);
  const roles = headerOf(headers, 'x-roles')?.split(',') ?? (userId === 'admin' ? ['admin'] : []);
  return { userId, projectId, roles, systemScope };
};

const headerOf = (headers: IncomingHttpHeaders, name: string): string | undefined => {
  const value = headers[name];
  return Array.isArray(value) ? value[0] : value;
};
