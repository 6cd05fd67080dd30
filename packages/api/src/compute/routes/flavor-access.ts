import { z } from 'zod';
import { badRequest, conflict, notFound } from '../../http/http-error.js';
import { paramOf, type Route } from '../../http/route.js';
import type { Compute } from '../compute.js';
import { computeRoute } from '../compute-route.js';
import { needFlavor } from '../engine/find-flavor.js';
import type { Draft } from '../state/compute-store.js';
import type { Flavor } from '../state/entities.js';

/** From this version on, a flavor that all may use takes no access. */
const REFUSED_OF_PUBLIC = 7;

const wanted = z.strictObject({ tenant: z.string().min(1).max(255) });
const actionBody = z.union([
  z.strictObject({ addTenantAccess: wanted }),
  z.strictObject({ removeTenantAccess: wanted }),
]);

/** Which projects may use a flavor that is not public. https://docs.openstack.org/api-ref/compute/#flavors-access-flavors-os-flavor-access */
export const createFlavorAccessRoutes = ({ store, hasProject }: Compute): readonly Route[] => [
  computeRoute({
    method: 'GET',
    path: '/flavors/:id/os-flavor-access',
    rule: 'compute:flavor_access:list',
    handle: (request) => {
      const flavor = needFlavor(store.view(), paramOf(request, 'id'));
      if (flavor.is_public) throw notFound('Access list not available for public flavors.');
      return { status: 200, body: renderAccess(flavor) };
    },
  }),
  computeRoute({
    method: 'POST',
    path: '/flavors/:id/action',
    rule: 'compute:flavor_access:change',
    body: actionBody,
    handle: async (request) => {
      const { body, minor } = request;
      const id = paramOf(request, 'id');
      const flavor = await store.write((draft) => {
        if ('removeTenantAccess' in body) return removeAccess(draft, id, body.removeTenantAccess.tenant);
        const { tenant } = body.addTenantAccess;
        if (!hasProject(tenant)) throw badRequest(`Project ID ${tenant} is not a valid project.`);
        if (minor >= REFUSED_OF_PUBLIC && needFlavor(draft.view, id).is_public)
          throw conflict('Can not add access to a public flavor.');
        return addAccess(draft, id, tenant);
      });
      return { status: 200, body: renderAccess(flavor) };
    },
  }),
];

const renderAccess = ({ id, projects }: Flavor): object => ({
  flavor_access: projects.map((project) => ({ flavor_id: id, tenant_id: project })),
});

const addAccess = (draft: Draft, id: string, project: string): Flavor => {
  const before = needFlavor(draft.view, id);
  if (before.projects.includes(project))
    throw conflict(`Flavor access already exists for flavor ${id} and project ${project} combination.`);
  const after = { ...before, projects: [...before.projects, project] };
  draft.put('flavor', after);
  return after;
};

const removeAccess = (draft: Draft, id: string, project: string): Flavor => {
  const before = needFlavor(draft.view, id);
  if (!before.projects.includes(project)) throw notFound(`Flavor access not found for ${id} / ${project} combination.`);
  const after = { ...before, projects: before.projects.filter((other) => other !== project) };
  draft.put('flavor', after);
  return after;
};
