import type { Service } from '../http/service.js';
import { renderError } from './network-error.js';
import type { Network } from './network.js';
import { createDiscoveryRoutes } from './routes/discovery.js';
import { createNetworkRoutes } from './routes/networks.js';
import { createRefusalRoutes } from './routes/not-here.js';
import { createPortRoutes } from './routes/ports.js';
import { createQuotaRoutes } from './routes/quotas.js';
import { createGroupRoutes } from './routes/security-groups.js';
import { RULES } from './rules.js';

export const NETWORK_PATH = '/network';

/** Neutron's API, as far as servers need it: what the hosts have can be looked at. */
export const createNetworkService = (network: Network): Service => ({
  name: 'network',
  path: NETWORK_PATH,
  rules: RULES,
  routes: [
    createDiscoveryRoutes,
    createNetworkRoutes,
    createPortRoutes,
    createGroupRoutes,
    createQuotaRoutes,
    createRefusalRoutes,
  ].flatMap((createRoutes) => createRoutes(network)),
  renderError,
});
