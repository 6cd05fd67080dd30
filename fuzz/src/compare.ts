import type { Reply } from './exchange.js';
import type { FuzzRequest } from './request.js';

/** @returns how two replies to a request differ; undefined when they are the same. Lists are taken as sets, texts of errors are not compared. */
export const compare = (request: FuzzRequest, ours: Reply, theirs: Reply): string | undefined => {
  if (ours.status !== theirs.status) return `status ${ours.status} instead of ${theirs.status}`;
  for (const [name, value] of Object.entries(theirs.headers))
    if (value !== '' && ours.headers[name] !== value)
      return `header ${name}: ${ours.headers[name]} instead of ${value}`;
  if (theirs.status >= 400) {
    const [our, their] = [codeOf(ours.body), codeOf(theirs.body)];
    return our === their ? undefined : `code ${our} instead of ${their}`;
  }
  if (hasLimit(request)) return compareSizes(ours.body, theirs.body);
  return canonical(ours.body) === canonical(theirs.body) ? undefined : 'body';
};

/** Which candidates a limit leaves is anybody's choice. */
export const hasLimit = ({ path }: FuzzRequest): boolean =>
  path.startsWith('/allocation_candidates') && path.includes('limit=');

const compareSizes = (ours: unknown, theirs: unknown): string | undefined => {
  const [our, their] = [candidatesOf(ours).length, candidatesOf(theirs).length];
  return our === their ? undefined : `${our} candidates instead of ${their}`;
};

/** @returns those candidates with a limit that are not among those without, if any. */
export const compareWithAll = (limited: Reply, all: Reply): string | undefined => {
  const known = new Set(candidatesOf(all.body).map(canonical));
  const strange = candidatesOf(limited.body).filter((candidate) => !known.has(canonical(candidate)));
  return strange.length === 0 ? undefined : `candidates that there are not: ${JSON.stringify(strange)}`;
};

export const candidatesOf = (body: unknown): readonly unknown[] => {
  const list = propertyOf(body, 'allocation_requests');
  return Array.isArray(list) ? list : [];
};

const codeOf = (body: unknown): string => String(propertyOf(errorOf(body), 'code'));

/** What an error says of itself. */
export const detailOf = (body: unknown): string => String(propertyOf(errorOf(body), 'detail'));

const errorOf = (body: unknown): unknown => {
  const errors = propertyOf(body, 'errors');
  return Array.isArray(errors) ? errors[0] : undefined;
};

export const propertyOf = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null ? new Map(Object.entries(value)).get(name) : undefined;

/** The same text for the same value in any order. */
export const canonical = (value: unknown): string => {
  if (Array.isArray(value)) return `[${value.map(canonical).toSorted().join()}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? '';
  const entries = Object.entries(value).map(([key, entry]) => `${JSON.stringify(key)}:${canonical(entry)}`);
  return `{${entries.toSorted().join()}}`;
};
