import type { Service } from '../http/service.js';
import type { Identity } from './identity.js';
import { createCredentialRoutes } from './routes/application-credentials.js';
import { createAuthListRoutes } from './routes/auth-lists.js';
import { createCatalogRoutes } from './routes/catalog.js';
import { createDiscoveryRoutes } from './routes/discovery.js';
import { createDomainRoutes } from './routes/domains.js';
import { createGrantRoutes } from './routes/grants.js';
import { createGroupRoutes } from './routes/groups.js';
import { createProjectRoutes } from './routes/projects.js';
import { createAssignmentRoutes } from './routes/role-assignments.js';
import { createRoleRoutes } from './routes/roles.js';
import { createTokenRoutes } from './routes/tokens.js';
import { createUserRoutes } from './routes/users.js';
import { renderError } from './render-error.js';
import { RULES } from './rules.js';

export const IDENTITY_PATH = '/identity';

export const createIdentityService = (identity: Identity): Service => ({
  name: 'identity',
  path: IDENTITY_PATH,
  rules: RULES,
  routes: [
    createDiscoveryRoutes,
    createTokenRoutes,
    createAuthListRoutes,
    createCatalogRoutes,
    createDomainRoutes,
    createProjectRoutes,
    createUserRoutes,
    createGroupRoutes,
    createRoleRoutes,
    createGrantRoutes,
    createAssignmentRoutes,
    createCredentialRoutes,
  ].flatMap((createRoutes) => createRoutes(identity)),
  renderError,
  headersOfError: ({ status }) =>
    status === 401 ? { 'www-authenticate': `Keystone uri="${identity.url.replace(/\/v3$/, '')}"` } : {},
});
