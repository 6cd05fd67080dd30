import type { ApiReply, ApiRequest } from '../../http/route.js';
import { takePage } from '../../http/paging.js';
import type { Identity } from '../identity.js';

interface ListOptions<T> {
  /** What the list is called in the answer, and the last part of its path. */
  readonly name: string;
  readonly items: readonly T[];
  readonly render: (item: T, url: string) => object;
}

/** The answer to who lists: filtered by what the query names, and in pages when it asks for them. */
export const listReply = <T extends { readonly id: string }>(
  { url }: Identity,
  { query, url: asked }: Pick<ApiRequest, 'query' | 'url'>,
  { name, items, render }: ListOptions<T>,
): ApiReply => {
  const { items: page, next } = takePage(items, query);
  // The path below the version: links are what the outside calls it.
  const [path = ''] = asked.replace(/^.*?\/v3/, '').split('?');
  return {
    status: 200,
    body: {
      [name]: page.map((item) => render(item, url)),
      links: { self: `${url}${path}`, previous: null, next: next ? `${url}${path}?${next.toString()}` : null },
    },
  };
};

/** Whether something is as the query says, of these names: `enabled=true`, `name=web`, also `name__contains=we` and the like. */
export const isAsked = (
  query: URLSearchParams,
  values: Readonly<Record<string, string | boolean | undefined>>,
): boolean =>
  [...query].every(([key, wanted]) => {
    const [name = '', comparison = ''] = key.split('__');
    if (!(name in values)) return true;
    const value = values[name];
    if (typeof value === 'boolean') return value === isTrue(wanted);
    return compare(value ?? '', { comparison, wanted });
  });

/** An empty value means true, too: `?enabled`. */
export const isTrue = (text: string): boolean => !/^(false|0|no|off)$/i.test(text);

const compare = (value: string, { comparison, wanted }: { comparison: string; wanted: string }): boolean => {
  const [own, other] = comparison.startsWith('i') ? [value.toLowerCase(), wanted.toLowerCase()] : [value, wanted];
  switch (comparison.replace(/^i/, '')) {
    case 'contains':
      return own.includes(other);
    case 'startswith':
      return own.startsWith(other);
    case 'endswith':
      return own.endsWith(other);
    default:
      return own === other;
  }
};
