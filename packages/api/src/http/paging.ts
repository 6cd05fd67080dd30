import { badRequest } from './http-error.js';

export interface Page<T> {
  readonly items: readonly T[];
  /** The query of the next page, when there is one. */
  readonly next: URLSearchParams | undefined;
}

const MAX_LIMIT = 1000;

/**
 * A part of a list that is in the order of ids: `limit` of them after `marker`.
 *
 * @throws HttpError 400.
 */
export const takePage = <T extends { readonly id: string }>(items: readonly T[], query: URLSearchParams): Page<T> => {
  const limit = readLimit(query.get('limit'));
  const marker = query.get('marker');
  const start = marker === null ? 0 : items.findIndex(({ id }) => id > marker);
  const page = start < 0 ? [] : items.slice(start, limit === undefined ? undefined : start + limit);
  const last = page.at(-1);
  const hasMore = start >= 0 && start + page.length < items.length;
  if (!hasMore || !last) return { items: page, next: undefined };
  const next = new URLSearchParams(query);
  next.set('marker', last.id);
  return { items: page, next };
};

const readLimit = (text: string | null): number | undefined => {
  if (text === null) return undefined;
  if (!/^\d{1,9}$/.test(text)) throw badRequest('limit is not a number.');
  const limit = Number(text);
  return limit === 0 ? undefined : Math.min(limit, MAX_LIMIT);
};
