import type { ApiRequest } from './route.js';

/** A part of the path that the route names. */
export const paramOf = ({ params }: ApiRequest, name: string): string => {
  const value = params[name];
  if (value === undefined) throw new TypeError(`the route has no part that is called ${name}`);
  return value;
};
