import { getProvider } from '../../engine/providers/get-provider.js';
import { paramOf } from '../read-request.js';
import type { Route } from '../route.js';

export const providerUsageRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/resource_providers/:uuid/usages',
    rule: 'placement:resource_providers:usages',
    handle: (request) =>
      request.store.read((view) => {
        const { uuid, inventories } = getProvider(view, paramOf(request, 'uuid'));
        const { generation, used } = view.usage(uuid);
        const usages = Object.fromEntries(Object.keys(inventories).map((name) => [name, used[name] ?? 0]));
        return { status: 200, body: { resource_provider_generation: generation, usages }, lastModified: Date.now() };
      }),
  },
];
