import { sumUsages, sumUsagesByType, type UsageFilter } from '../../engine/usages.js';
import type { View } from '../../index/view.js';
import { lastOf } from '../read-request.js';
import type { Route } from '../route.js';
import { usagesQuerySchema } from '../schemas/usages.js';

/** What projects use. That of a provider is with the providers. */
export const usageRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/usages',
    since: 9,
    rule: 'placement:usages',
    projectOf: (query) => lastOf(query, 'project_id'),
    query: usagesQuerySchema,
    handle: async ({ query, version, store }) => {
      const filter = readFilter(query);
      const usages = await store.read((view) => (version >= 38 ? renderByType(view, filter) : sumUsages(view, filter)));
      return { status: 200, body: { usages }, lastModified: Date.now() };
    },
  },
];

const readFilter = (query: URLSearchParams): UsageFilter => ({
  project: lastOf(query, 'project_id') ?? '',
  user: lastOf(query, 'user_id'),
  type: lastOf(query, 'consumer_type'),
});

const renderByType = (view: View, filter: UsageFilter): Record<string, unknown> =>
  Object.fromEntries(
    [...sumUsagesByType(view, filter)].map(([type, { used, consumers }]) => [
      type,
      { ...used, consumer_count: consumers },
    ]),
  );
