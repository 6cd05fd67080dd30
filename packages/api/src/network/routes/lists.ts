import type { ApiReply, ApiRequest } from '../../http/route.js';
import { pick, select, type Item, type Matcher } from '../engine/select.js';
import type { Network } from '../network.js';

interface ListOptions {
  /** What the list is called in the answer. */
  readonly name: string;
  /** The last part of its path, when that is another one. */
  readonly path?: string;
  readonly items: readonly Item[];
  readonly attributes: readonly string[];
  readonly matchers?: Readonly<Record<string, Matcher>>;
}

export const listReply = (
  { url }: Pick<Network, 'url'>,
  { query }: Pick<ApiRequest, 'query'>,
  { name, path = name, items, ...selection }: ListOptions,
): ApiReply => {
  const { items: page, next, previous } = select(items, query, selection);
  const links = [
    ...(next ? [{ rel: 'next', href: `${url}/${path}?${next.toString()}` }] : []),
    ...(previous && query.has('limit') ? [{ rel: 'previous', href: `${url}/${path}?${previous.toString()}` }] : []),
  ];
  return { status: 200, body: { [name]: page, ...(links.length > 0 && { [`${name}_links`]: links }) } };
};

export const showReply = (name: string, item: Item, { query }: Pick<ApiRequest, 'query'>): ApiReply => ({
  status: 200,
  body: { [name]: pick(item, query) },
});
