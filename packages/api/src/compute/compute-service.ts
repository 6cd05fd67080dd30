import type { Route } from '../http/route.js';
import { createRules } from '../http/rules.js';
import type { Service } from '../http/service.js';
import type { Compute } from './compute.js';
import { versionHeaders } from './microversion.js';
import { renderError } from './render-error.js';
import { createAggregateRoutes } from './routes/aggregates.js';
import { createZoneRoutes } from './routes/availability-zones.js';
import { createDiscoveryRoutes } from './routes/discovery.js';
import { createExtensionRoutes } from './routes/extensions.js';
import { createFlavorAccessRoutes } from './routes/flavor-access.js';
import { createFlavorExtraSpecRoutes } from './routes/flavor-extra-specs.js';
import { createFlavorRoutes } from './routes/flavors.js';
import { createHypervisorRoutes } from './routes/hypervisors.js';
import { createImageRoutes } from './routes/images.js';
import { createKeypairRoutes } from './routes/keypairs.js';
import { createLimitRoutes } from './routes/limits.js';
import { createQuotaClassRoutes } from './routes/quota-classes.js';
import { createQuotaSetRoutes } from './routes/quota-sets.js';
import { createServerGroupRoutes } from './routes/server-groups.js';
import { createServiceRoutes } from './routes/services.js';
import { createSimpleTenantUsageRoutes } from './routes/simple-tenant-usage.js';
import { RULES } from './rules.js';
import { createConsoleSocket } from './servers/consoles/console-socket.js';
import { createAllServerRoutes } from './servers/server-routes.js';
import { SERVER_RULES } from './servers/server-rules.js';

export const COMPUTE_PATH = '/compute';

/** Paths below `/v2.1`. Older clients ask for the same below `/v2`. */
const createVersionedRoutes = (compute: Compute): readonly Route[] =>
  [
    createFlavorRoutes,
    createFlavorAccessRoutes,
    createFlavorExtraSpecRoutes,
    createKeypairRoutes,
    createQuotaSetRoutes,
    createQuotaClassRoutes,
    createLimitRoutes,
    createServerGroupRoutes,
    createAggregateRoutes,
    createZoneRoutes,
    createHypervisorRoutes,
    createServiceRoutes,
    createSimpleTenantUsageRoutes,
    createImageRoutes,
    createExtensionRoutes,
    ({ servers }: Compute) => createAllServerRoutes(servers),
  ]
    .flatMap((createRoutes) => createRoutes(compute))
    .flatMap((route) => ['/v2.1', '/v2'].map((version) => ({ ...route, path: version + route.path })));

const ALL_RULES = { ...RULES, ...SERVER_RULES };

export const createComputeService = (compute: Compute): Service => ({
  name: 'compute',
  path: COMPUTE_PATH,
  rules: ALL_RULES,
  routes: [...createDiscoveryRoutes(compute), ...createVersionedRoutes(compute)],
  sockets: [createConsoleSocket(compute.servers, createRules(ALL_RULES).allows)],
  look: async () => Promise.all([compute.store.look(), compute.servers.store.look()]),
  headersOf: (request) => ({ 'x-compute-request-id': request.requestId, ...versionHeaders(request) }),
  renderError,
});
