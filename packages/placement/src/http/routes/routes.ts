import type { Route } from '../route.js';
import { allocationCandidatesRoutes } from './allocation-candidates.js';
import { resourceClassRoutes } from './resource-classes.js';
import { resourceProviderListRoutes } from './resource-provider-list.js';
import { rootRoutes } from './root.js';
import { traitRoutes } from './traits.js';
import { usageRoutes } from './usages.js';

/** The whole API. */
export const allRoutes: readonly Route[] = [
  ...rootRoutes,
  ...resourceClassRoutes,
  ...resourceProviderListRoutes,
  ...allocationCandidatesRoutes,
  ...traitRoutes,
  ...usageRoutes,
];
