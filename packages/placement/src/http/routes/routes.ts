import type { Route } from '../route.js';
import { resourceClassRoutes } from './resource-classes.js';
import { rootRoutes } from './root.js';
import { traitRoutes } from './traits.js';
import { usageRoutes } from './usages.js';

/** The whole API. */
export const allRoutes: readonly Route[] = [...rootRoutes, ...resourceClassRoutes, ...traitRoutes, ...usageRoutes];
