import { readInventories } from '../../engine/inventories/read-inventory.js';
import { reshape } from '../../engine/reshape.js';
import { readConsumers } from '../read-consumer.js';
import { bodyOf } from '../read-request.js';
import type { Route } from '../route.js';
import { type ReshaperBody, reshaperSchema } from '../schemas/reshaper.js';

export const reshaperRoutes: readonly Route[] = [
  {
    method: 'POST',
    path: '/reshaper',
    since: 30,
    rule: 'placement:reshaper:reshape',
    body: reshaperSchema,
    handle: async (request) => {
      const { inventories, allocations } = bodyOf<ReshaperBody>(request);
      const providers = Object.entries(inventories).map(([uuid, given]) => ({
        uuid,
        generation: given.resource_provider_generation,
        inventories: readInventories(given.inventories),
      }));
      const consumers = readConsumers(allocations);
      await request.store.write((draft) => reshape(draft, providers, consumers));
      return { status: 204 };
    },
  },
];
