import { badRequest } from '../../http/http-error.js';

/*
 * Lists as Neutron's clients ask for them: filters by any attribute, `fields`, `sort_key` and `sort_dir`, `limit`, `marker` and
 * `page_reverse`. https://docs.openstack.org/api-ref/network/v2/#filtering-and-column-selection Pure.
 */

export type Item = Readonly<Record<string, unknown>> & { readonly id: string };

/** Whether an item is as a filter's value says. */
export type Matcher = (item: Item, wanted: string) => boolean;

export interface Selection {
  /** Names that may be filtered and sorted by. */
  readonly attributes: readonly string[];
  /** Filters that are more than a comparison. */
  readonly matchers?: Readonly<Record<string, Matcher>>;
}

export interface Selected {
  readonly items: readonly Readonly<Record<string, unknown>>[];
  /** The queries of the neighbouring pages, where there are such. */
  readonly next: URLSearchParams | undefined;
  readonly previous: URLSearchParams | undefined;
}

const CONTROL = new Set(['fields', 'limit', 'marker', 'page_reverse', 'sort_key', 'sort_dir']);

/** Nothing has tags. */
const TAGS: Readonly<Record<string, Matcher>> = {
  tags: () => false,
  'tags-any': () => false,
  'not-tags': () => true,
  'not-tags-any': () => true,
};

/** @throws HttpError 400. */
export const select = (items: readonly Item[], query: URLSearchParams, selection: Selection): Selected => {
  const matching = items.filter(filterOf(query, selection));
  const sorted = sort(matching, query, selection);
  const { page, hasNext, hasPrevious } = takePage(sorted, query);
  const [first, last] = [page.at(0), page.at(-1)];
  const withMarker = (marker: Item | undefined, isReverse: boolean): URLSearchParams | undefined => {
    if (!marker) return undefined;
    const neighbour = new URLSearchParams(query);
    neighbour.set('marker', marker.id);
    neighbour.delete('page_reverse');
    if (isReverse) neighbour.set('page_reverse', 'True');
    return neighbour;
  };
  return {
    items: page.map((item) => pick(item, query)),
    next: hasNext ? withMarker(last, false) : undefined,
    previous: hasPrevious ? withMarker(first, true) : undefined,
  };
};

const filterOf = (query: URLSearchParams, { attributes, matchers = {} }: Selection): ((item: Item) => boolean) => {
  const all: Readonly<Record<string, Matcher>> = { ...TAGS, ...matchers };
  const checks = [...new Set(query.keys())]
    .filter((key) => !CONTROL.has(key))
    .map((key) => {
      const matcher = all[key] ?? (attributes.includes(key) ? isEqual(key) : undefined);
      if (!matcher) throw badRequest(`[${key}] is invalid attribute for filtering`);
      const wanted = query.getAll(key);
      return (item: Item): boolean => wanted.some((value) => matcher(item, value));
    });
  return (item) => checks.every((check) => check(item));
};

const isEqual =
  (key: string): Matcher =>
  (item, wanted) => {
    const value = item[key];
    if (typeof value === 'boolean') return value === isTrue(wanted);
    if (Array.isArray(value)) return value.some((one) => asText(one) === wanted);
    return asText(value) === wanted;
  };

const isTrue = (text: string): boolean => /^(true|1)$/i.test(text);

const asText = (value: unknown): string =>
  typeof value === 'string' || typeof value === 'number' ? value.toString() : '';

const sort = (items: readonly Item[], query: URLSearchParams, { attributes }: Selection): Item[] => {
  const keys = query.getAll('sort_key');
  const directions = query.getAll('sort_dir');
  const unknown = keys.find((key) => !attributes.includes(key));
  if (unknown !== undefined) throw badRequest(`${unknown} is invalid attribute for sort_key`);
  const wrong = directions.find((direction) => direction !== 'asc' && direction !== 'desc');
  if (wrong !== undefined) throw badRequest(`${wrong} is invalid value for sort_dirs, valid value is 'asc' and 'desc'`);
  if (directions.length > 0 && directions.length !== keys.length)
    throw badRequest('The number of sort_keys and sort_dirs must be same');
  const order = [...keys.map((key, index) => ({ key, sign: directions[index] === 'desc' ? -1 : 1 })), BY_ID];
  return items.toSorted((a, b) => {
    for (const { key, sign } of order) {
      const [one, other] = [asText(a[key]), asText(b[key])];
      if (one !== other) return one < other ? -sign : sign;
    }
    return 0;
  });
};

const BY_ID = { key: 'id', sign: 1 };

interface Page {
  readonly page: readonly Item[];
  readonly hasNext: boolean;
  readonly hasPrevious: boolean;
}

const takePage = (items: readonly Item[], query: URLSearchParams): Page => {
  const limit = readLimit(query.get('limit'));
  const isReverse = isTrue(query.get('page_reverse') ?? '');
  const marker = query.get('marker');
  const at = marker === null ? undefined : items.findIndex(({ id }) => id === marker);
  if (at === -1) throw badRequest(`The marker ${marker} is not in the list.`);
  const [from, to] = isReverse ? [0, at ?? items.length] : [at === undefined ? 0 : at + 1, items.length];
  const start = isReverse && limit !== undefined ? Math.max(from, to - limit) : from;
  const end = !isReverse && limit !== undefined ? Math.min(to, from + limit) : to;
  return { page: items.slice(start, end), hasNext: end < items.length, hasPrevious: start > 0 && limit !== undefined };
};

const readLimit = (text: string | null): number | undefined => {
  if (text === null) return undefined;
  if (!/^\d{1,9}$/.test(text)) throw badRequest(`Bad pagination 'limit': '${text}' is not a number of items.`);
  return Number(text) === 0 ? undefined : Number(text);
};

/** Only the members that `fields` names, when it names some. */
export const pick = (item: Item, query: URLSearchParams): Readonly<Record<string, unknown>> => {
  const fields = query.getAll('fields').filter((field) => field !== '');
  if (fields.length === 0) return item;
  return Object.fromEntries(Object.entries(item).filter(([name]) => fields.includes(name)));
};
