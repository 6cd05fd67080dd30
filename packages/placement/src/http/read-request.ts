import type { ApiRequest } from './route.js';

/** The body, as the route's schema has it: the caller names a type that says the same. */
// eslint-disable-next-line typescript/no-unnecessary-type-parameters -- it says what the schema has
export const bodyOf = <T>({ body }: ApiRequest): T =>
  // eslint-disable-next-line typescript/no-unsafe-type-assertion -- the schema has been checked before the route is called
  body as T;

/** A part of the path that the route names. */
export const paramOf = ({ params }: ApiRequest, name: string): string => {
  const value = params[name];
  if (value === undefined) throw new TypeError(`the route has no part that is called ${name}`);
  return value;
};

/** What a query says of a name: the last, when it says it several times. */
export const lastOf = (query: URLSearchParams, name: string): string | undefined => query.getAll(name).at(-1);
