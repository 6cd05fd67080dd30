import { badRequest } from '../http/http-error.js';

interface PageOptions<T> {
  readonly query: URLSearchParams;
  /** What `marker` names. */
  readonly idOf: (item: T) => string;
  /** Where the list is: what the link to the next page begins with. */
  readonly url: string;
}

interface Page<T> {
  readonly items: readonly T[];
  /** The link to the next page, when there is one. */
  readonly links: readonly object[] | undefined;
}

const MAX_LIMIT = 1000;

/**
 * A part of a list: `limit` of them after `marker`.
 *
 * @throws HttpError 400 when one of them is not what it may be.
 */
export const takePage = <T>(items: readonly T[], { query, idOf, url }: PageOptions<T>): Page<T> => {
  const limit = readLimit(query);
  const start = findStart(items.map(idOf), query.get('marker'));
  const page = items.slice(start, start + limit);
  const last = page.at(-1);
  if (!last || start + page.length >= items.length) return { items: page, links: undefined };
  const next = new URLSearchParams(query);
  next.set('marker', idOf(last));
  return { items: page, links: [{ rel: 'next', href: `${url}?${next.toString()}` }] };
};

const findStart = (ids: readonly string[], marker: string | null): number => {
  if (marker === null) return 0;
  const index = ids.indexOf(marker);
  if (index < 0) throw badRequest('The marker is not found.');
  return index + 1;
};

const readLimit = (query: URLSearchParams): number => {
  const text = query.get('limit');
  if (text === null) return MAX_LIMIT;
  return Math.min(readCount(text, 'limit'), MAX_LIMIT);
};

/** @throws HttpError 400. */
export const readCount = (text: string, name: string): number => {
  if (!/^\d{1,18}$/.test(text))
    throw badRequest(`Invalid input for query parameters ${name}: it is not a number from 0 on.`);
  return Number(text);
};

/** A part of a list that has no marker: `limit` of them from `offset` on. @throws HttpError 400. */
export const takeFrom = <T>(items: readonly T[], query: URLSearchParams): readonly T[] => {
  const offset = readCount(query.get('offset') ?? '0', 'offset');
  return items.slice(offset, offset + readLimit(query));
};
