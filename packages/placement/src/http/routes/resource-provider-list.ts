import { checkResourceClasses, findUnknownTrait } from '../../engine/check-names.js';
import { listProviders } from '../../engine/providers/list-providers.js';
import { renderProvider } from '../../engine/providers/render-provider.js';
import { Refusal } from '../../engine/refusal.js';
import { parseProviderQuery } from '../query/provider-query.js';
import type { Route } from '../route.js';
import { providerListQuerySchema } from '../schemas/resource-provider-list.js';

export const resourceProviderListRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/resource_providers',
    rule: 'placement:resource_providers:list',
    query: providerListQuerySchema,
    handle: ({ query, version, store, linkTo }) => {
      const wanted = parseProviderQuery(query, version);
      return store.read((view) => {
        checkResourceClasses(view, Object.keys(wanted.resources));
        const trait = findUnknownTrait(view, wanted);
        if (trait !== undefined)
          throw new Refusal('bad-request', `Invalid trait(s) in "required" parameter: No such trait(s): ${trait}.`);
        const providers = listProviders(view, wanted);
        return {
          status: 200,
          body: {
            resource_providers: providers.map((provider) => renderProvider(view, provider, { version, linkTo })),
          },
          lastModified: providers.reduce((latest, { updatedAt }) => Math.max(latest, updatedAt), 0) || Date.now(),
        };
      });
    },
  },
];
