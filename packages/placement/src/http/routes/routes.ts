import type { Route } from '../route.js';
import { createAllocationCandidatesRoutes, type CandidatesSettings } from './allocation-candidates.js';
import { aggregateRoutes } from './aggregates.js';
import { allocationRoutes } from './allocations.js';
import { inventoryRoutes } from './inventories.js';
import { providerUsageRoutes } from './provider-usages.js';
import { reshaperRoutes } from './reshaper.js';
import { resourceProviderRoutes } from './resource-providers.js';
import { resourceClassRoutes } from './resource-classes.js';
import { resourceProviderListRoutes } from './resource-provider-list.js';
import { rootRoutes } from './root.js';
import { traitRoutes } from './traits.js';
import { usageRoutes } from './usages.js';

/** The whole API. */
export const createRoutes = (candidates: CandidatesSettings = {}): readonly Route[] => [
  ...rootRoutes,
  ...resourceClassRoutes,
  ...resourceProviderListRoutes,
  ...createAllocationCandidatesRoutes(candidates),
  ...resourceProviderRoutes,
  ...inventoryRoutes,
  ...aggregateRoutes,
  ...providerUsageRoutes,
  ...allocationRoutes,
  ...reshaperRoutes,
  ...traitRoutes,
  ...usageRoutes,
];
