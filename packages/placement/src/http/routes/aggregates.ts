import { getProvider } from '../../engine/providers/get-provider.js';
import { setAggregates } from '../../engine/set-aggregates.js';
import { bodyOf, paramOf } from '../read-request.js';
import type { ApiReply, Route } from '../route.js';
import { type AggregatesBody, aggregatesSchema } from '../schemas/aggregates.js';

const PATH = '/resource_providers/:uuid/aggregates';

/** The first version that tells the generation, and asks for it. */
const WITH_GENERATION = 19;

export const aggregateRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: PATH,
    since: 1,
    rule: 'placement:resource_providers:aggregates:list',
    handle: (request) =>
      request.store.read((view) => {
        const { uuid, aggregates } = getProvider(view, paramOf(request, 'uuid'));
        return show(aggregates, request.version >= WITH_GENERATION ? view.usage(uuid).generation : undefined);
      }),
  },
  {
    method: 'PUT',
    path: PATH,
    isOfProvider: true,
    since: 1,
    rule: 'placement:resource_providers:aggregates:update',
    body: aggregatesSchema,
    handle: (request) => {
      const body = bodyOf<AggregatesBody>(request);
      const { aggregates, resource_provider_generation: generation } =
        'aggregates' in body ? body : { aggregates: body, resource_provider_generation: undefined };
      return request.store.write((draft) => {
        setAggregates(draft, paramOf(request, 'uuid'), { aggregates, generation });
        return show(aggregates, generation === undefined ? undefined : generation + 1);
      });
    },
  },
];

/** It is not recorded when a provider came into an aggregate, so it is said of now. */
const show = (aggregates: readonly string[], generation: number | undefined): ApiReply => ({
  status: 200,
  body: { aggregates, ...(generation !== undefined && { resource_provider_generation: generation }) },
  lastModified: Date.now(),
});
