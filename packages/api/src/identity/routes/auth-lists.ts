import { callerOf, type Route } from '../../http/route.js';
import { renderCatalog } from '../catalog/catalog.js';
import { assignmentsFor } from '../engine/roles-of.js';
import type { Identity } from '../identity.js';
import { renderDomain, renderProject } from '../render.js';
import { projectsOf } from './projects.js';
import { listReply } from './lists.js';

/** What a token can be had for, and what is there. */
export const createAuthListRoutes = (identity: Identity): readonly Route[] => {
  const { store, catalog, url } = identity;
  return [
    {
      method: 'GET',
      path: '/v3/auth/catalog',
      rule: 'identity:get_auth_catalog',
      handle: () => ({
        status: 200,
        body: { catalog: renderCatalog(catalog), links: { self: `${url}/auth/catalog`, previous: null, next: null } },
      }),
    },
    {
      method: 'GET',
      path: '/v3/auth/projects',
      rule: 'identity:get_auth_projects',
      handle: (request) => {
        const view = store.view();
        const isUsable = ({ enabled, domain }: { enabled: boolean; domain: string }) =>
          enabled && view.get('domain', domain)?.enabled === true;
        const items = projectsOf(view, callerOf(request).userId).filter(isUsable);
        return listReply(identity, request, { name: 'projects', items, render: renderProject });
      },
    },
    {
      method: 'GET',
      path: '/v3/auth/domains',
      rule: 'identity:get_auth_domains',
      handle: (request) => {
        const ids = assignmentsFor(store.view(), callerOf(request).userId)
          .filter(({ target }) => target === 'domain')
          .map(({ target_id }) => target_id);
        const items = store
          .view()
          .list('domain')
          .filter(({ id, enabled }) => enabled && ids.includes(id));
        return listReply(identity, request, { name: 'domains', items, render: renderDomain });
      },
    },
    {
      method: 'GET',
      path: '/v3/auth/system',
      rule: 'identity:get_auth_system',
      handle: (request) => {
        const isThere = assignmentsFor(store.view(), callerOf(request).userId).some(
          ({ target }) => target === 'system',
        );
        return { status: 200, body: { system: isThere ? [{ all: true }] : [], links: { self: `${url}/auth/system` } } };
      },
    },
  ];
};
