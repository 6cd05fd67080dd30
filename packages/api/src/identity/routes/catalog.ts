import { notFound } from '../../http/http-error.js';
import { paramOf, type Route } from '../../http/route.js';
import type { Identity } from '../identity.js';
import { isAsked, listReply } from './lists.js';

/** What the config says that there is. It cannot be changed here. */
export const createCatalogRoutes = (identity: Identity): readonly Route[] => [
  ...createReadRoutes(identity, {
    one: 'region',
    many: 'regions',
    items: [{ id: identity.catalog.region, description: '', parent_region_id: null }],
  }),
  ...createReadRoutes(identity, {
    one: 'service',
    many: 'services',
    items: identity.catalog.services.map(({ id, type, name }) => ({ id, type, name, enabled: true, description: '' })),
  }),
  ...createReadRoutes(identity, {
    one: 'endpoint',
    many: 'endpoints',
    items: identity.catalog.services.flatMap(({ id: service_id, endpoints }) =>
      endpoints.map((endpoint) => ({
        ...endpoint,
        service_id,
        region: identity.catalog.region,
        region_id: identity.catalog.region,
        enabled: true,
      })),
    ),
  }),
];

type Item = Readonly<Record<string, string | boolean | null>> & { readonly id: string };

interface ReadOptions {
  readonly one: string;
  readonly many: string;
  readonly items: readonly Item[];
}

const createReadRoutes = (identity: Identity, { one, many, items }: ReadOptions): readonly Route[] => {
  const sorted = items.toSorted((a, b) => (a.id < b.id ? -1 : 1));
  const render = (item: Item): object => ({ ...item, links: { self: `${identity.url}/${many}/${item.id}` } });
  return [
    {
      method: 'GET',
      path: `/v3/${many}`,
      rule: `identity:list_${many}`,
      handle: (request) =>
        listReply(identity, request, {
          name: many,
          items: sorted.filter((item) => isAsked(request.query, withoutNull(item))),
          render,
        }),
    },
    {
      method: 'GET',
      path: `/v3/${many}/:id`,
      rule: `identity:get_${one}`,
      handle: (request) => {
        const id = paramOf(request, 'id');
        const item = items.find((item) => item.id === id);
        if (!item) throw notFound(`Could not find ${one}: ${id}.`);
        return { status: 200, body: { [one]: render(item) } };
      },
    },
  ];
};

const withoutNull = (item: Item): Readonly<Record<string, string | boolean | undefined>> =>
  Object.fromEntries(Object.entries(item).map(([key, value]) => [key, value ?? undefined]));
