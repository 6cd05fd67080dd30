import { deleteAllocations } from '../../engine/allocations/delete-allocations.js';
import {
  lastAllocatedFrom,
  renderAllocationsFrom,
  renderConsumer,
} from '../../engine/allocations/render-allocations.js';
import { replaceAllocations } from '../../engine/allocations/replace-allocations.js';
import { getProvider } from '../../engine/providers/get-provider.js';
import { parseUuid } from '../../model/uuid.js';
import { badRequest } from '../http-error.js';
import { readConsumer, readConsumers } from '../read-consumer.js';
import { bodyOf, paramOf } from '../read-request.js';
import type { ApiRequest, Route } from '../route.js';
import { type ConsumerBody, type ConsumersBody, consumersSchema, oneConsumerSchema } from '../schemas/allocations.js';

const PATH = '/allocations/:consumer_uuid';

export const allocationRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: PATH,
    rule: 'placement:allocations:list',
    handle: (request) =>
      request.store.read((view) => {
        const consumer = view.consumer(paramOf(request, 'consumer_uuid'));
        const body = renderConsumer(view, consumer, request.version);
        return { status: 200, body, lastModified: consumer?.updatedAt ?? Date.now() };
      }),
  },
  {
    method: 'PUT',
    path: PATH,
    rule: 'placement:allocations:update',
    body: oneConsumerSchema,
    handle: async (request) => {
      const consumer = readConsumer(consumerOf(request), bodyOf<ConsumerBody>(request));
      await request.store.write((draft) => replaceAllocations(draft, [consumer]));
      return { status: 204 };
    },
  },
  {
    method: 'POST',
    path: '/allocations',
    since: 13,
    rule: 'placement:allocations:manage',
    body: consumersSchema,
    handle: async (request) => {
      const consumers = readConsumers(bodyOf<ConsumersBody>(request));
      await request.store.write((draft) => replaceAllocations(draft, consumers));
      return { status: 204 };
    },
  },
  {
    method: 'DELETE',
    path: PATH,
    rule: 'placement:allocations:delete',
    handle: async (request) => {
      await request.store.write((draft) => deleteAllocations(draft, paramOf(request, 'consumer_uuid')));
      return { status: 204 };
    },
  },
  {
    method: 'GET',
    path: '/resource_providers/:uuid/allocations',
    rule: 'placement:resource_providers:allocations:list',
    handle: (request) =>
      request.store.read((view) => {
        const provider = getProvider(view, paramOf(request, 'uuid'));
        const body = renderAllocationsFrom(view, provider, request.version);
        return { status: 200, body, lastModified: lastAllocatedFrom(view, provider) ?? Date.now() };
      }),
  },
];

const consumerOf = (request: ApiRequest): string => {
  const given = paramOf(request, 'consumer_uuid');
  const uuid = parseUuid(given);
  if (uuid === undefined) throw badRequest(`Malformed consumer_uuid: ${given}`);
  return uuid;
};
