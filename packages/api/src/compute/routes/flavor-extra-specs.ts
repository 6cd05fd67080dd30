import { z } from 'zod';
import { badRequest, notFound } from '../../http/http-error.js';
import { paramOf, type Route } from '../../http/route.js';
import type { Compute } from '../compute.js';
import { computeRoute } from '../compute-route.js';
import { needFlavor } from '../engine/find-flavor.js';
import type { Flavor } from '../state/entities.js';

const specs = z.record(
  z.string().regex(/^[a-zA-Z0-9_\-. :]{1,255}$/, 'expected letters, digits, spaces, and _ - . :'),
  z.union([z.string(), z.number().transform(String)]).pipe(z.string().max(255)),
);

/** https://docs.openstack.org/api-ref/compute/#flavors-extra-specs-flavors-os-flavor-extra-specs */
export const createFlavorExtraSpecRoutes = ({ store }: Compute): readonly Route[] => {
  const change = async (id: string, plan: (before: Flavor['extra_specs']) => Flavor['extra_specs']): Promise<void> =>
    store.write((draft) => {
      const flavor = needFlavor(draft.view, id);
      draft.put('flavor', { ...flavor, extra_specs: plan(flavor.extra_specs) });
    });

  return [
    computeRoute({
      method: 'GET',
      path: '/flavors/:id/os-extra_specs',
      rule: 'compute:flavor_extra_specs:list',
      handle: (request) => {
        const { extra_specs } = needFlavor(store.view(), paramOf(request, 'id'), request.caller);
        return { status: 200, body: { extra_specs } };
      },
    }),
    computeRoute({
      method: 'POST',
      path: '/flavors/:id/os-extra_specs',
      rule: 'compute:flavor_extra_specs:create',
      body: z.strictObject({ extra_specs: specs }),
      handle: async (request) => {
        const { extra_specs } = request.body;
        await change(paramOf(request, 'id'), (before) => ({ ...before, ...extra_specs }));
        return { status: 200, body: { extra_specs } };
      },
    }),
    computeRoute({
      method: 'GET',
      path: '/flavors/:id/os-extra_specs/:key',
      rule: 'compute:flavor_extra_specs:show',
      handle: (request) => {
        const [id, key] = [paramOf(request, 'id'), paramOf(request, 'key')];
        const { extra_specs } = needFlavor(store.view(), id, request.caller);
        return { status: 200, body: { [key]: needSpec(extra_specs, { id, key }) } };
      },
    }),
    computeRoute({
      method: 'PUT',
      path: '/flavors/:id/os-extra_specs/:key',
      rule: 'compute:flavor_extra_specs:update',
      body: specs.refine((body) => Object.keys(body).length === 1, { message: 'expected one member' }),
      handle: async (request) => {
        if (!Object.hasOwn(request.body, paramOf(request, 'key'))) throw badRequest('Request body and URI mismatch.');
        await change(paramOf(request, 'id'), (before) => ({ ...before, ...request.body }));
        return { status: 200, body: request.body };
      },
    }),
    computeRoute({
      method: 'DELETE',
      path: '/flavors/:id/os-extra_specs/:key',
      rule: 'compute:flavor_extra_specs:delete',
      handle: async (request) => {
        const [id, key] = [paramOf(request, 'id'), paramOf(request, 'key')];
        await change(id, (before) => {
          needSpec(before, { id, key });
          return Object.fromEntries(Object.entries(before).filter(([name]) => name !== key));
        });
        return { status: 200 };
      },
    }),
  ];
};

/** @throws HttpError 404. */
const needSpec = (specs: Flavor['extra_specs'], { id, key }: { id: string; key: string }): string => {
  const value = Object.hasOwn(specs, key) ? specs[key] : undefined;
  if (value === undefined) throw notFound(`Flavor ${id} has no extra specs with key ${key}.`);
  return value;
};
