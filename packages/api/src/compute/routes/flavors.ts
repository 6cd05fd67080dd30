import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { conflict } from '../../http/http-error.js';
import { paramOf, type Route } from '../../http/route.js';
import type { Compute } from '../compute.js';
import { computeRoute, type ComputeRequest } from '../compute-route.js';
import { needFlavor } from '../engine/find-flavor.js';
import { listFlavors } from '../engine/list-flavors.js';
import { takePage } from '../paging.js';
import { renderFlavor, renderFlavorBriefly } from '../render-flavor.js';
import type { Draft } from '../state/compute-store.js';
import { nameRelation, type Flavor } from '../state/entities.js';
import { boolean, name, notNegative, positive, printable } from './fields.js';

/** The version from which flavors have descriptions. */
const DESCRIPTION = 55;
const description = printable.max(65_535).nullable();

const fields = {
  name,
  id: z
    .union([z.string(), z.number().transform(String)])
    .pipe(
      z
        .string()
        .max(255)
        .regex(/^[a-zA-Z0-9._-](?:[a-zA-Z0-9. _-]*[a-zA-Z0-9._-])?$/, 'expected letters, digits, and . _ -'),
    )
    .nullish(),
  ram: positive,
  vcpus: positive,
  disk: notNegative,
  'OS-FLV-EXT-DATA:ephemeral': notNegative.default(0),
  swap: notNegative.pipe(z.literal(0, 'servers here have no swap disks')).optional(),
  rxtx_factor: z
    .union([
      z.number(),
      z
        .string()
        .regex(/^\d+(\.\d+)?$/, 'expected a number')
        .transform(Number),
    ])
    .pipe(z.number().positive())
    .default(1),
  'os-flavor-access:is_public': boolean.default(true),
};
const createBody = z.strictObject({
  flavor: z.strictObject({ ...fields, description: z.never('there are descriptions from version 2.55 on').optional() }),
});
const createBodyWithDescription = z.strictObject({
  flavor: z.strictObject({ ...fields, description: description.optional() }),
});
const updateBody = z.strictObject({ flavor: z.strictObject({ description }) });

/** https://docs.openstack.org/api-ref/compute/#flavors */
export const createFlavorRoutes = ({ store, url }: Compute): readonly Route[] => {
  const reply = (flavor: Flavor, { minor }: Pick<ComputeRequest, 'minor'>) => ({
    status: 200,
    body: { flavor: renderFlavor(flavor, { url, minor, isWithSpecs: true }) },
  });
  const list = (request: ComputeRequest, { path, render }: ListOptions) => {
    const { query, minor, caller } = request;
    const { items, links } = takePage(listFlavors(store.view(), query, caller), {
      query,
      idOf: ({ id }) => id,
      url: `${url}${path}`,
    });
    return {
      status: 200,
      body: {
        flavors: items.map((flavor) => render(flavor, { url, minor, isWithSpecs: true })),
        ...(links && { flavors_links: links }),
      },
    };
  };

  return [
    computeRoute({
      method: 'GET',
      path: '/flavors',
      rule: 'compute:flavors:list',
      handle: (request) => list(request, { path: '/flavors', render: renderFlavorBriefly }),
    }),
    computeRoute({
      method: 'GET',
      path: '/flavors/detail',
      rule: 'compute:flavors:list',
      handle: (request) => list(request, { path: '/flavors/detail', render: renderFlavor }),
    }),
    computeRoute({
      method: 'POST',
      path: '/flavors',
      rule: 'compute:flavors:create',
      body: (minor) => (minor >= DESCRIPTION ? createBodyWithDescription : createBody),
      handle: async (request) => {
        const { flavor: body } = request.body;
        const flavor: Flavor = {
          version: 1,
          id: body.id ?? randomUUID(),
          name: body.name,
          ram_mib: body.ram,
          vcpus: body.vcpus,
          disk_gib: body.disk,
          ephemeral_gib: body['OS-FLV-EXT-DATA:ephemeral'],
          rxtx_factor: body.rxtx_factor,
          is_public: body['os-flavor-access:is_public'],
          projects: [],
          extra_specs: {},
          ...(typeof body.description === 'string' && { description: body.description }),
        };
        await store.write((draft) => addFlavor(draft, flavor));
        return reply(flavor, request);
      },
    }),
    computeRoute({
      method: 'GET',
      path: '/flavors/:id',
      rule: 'compute:flavors:show',
      handle: (request) => reply(needFlavor(store.view(), paramOf(request, 'id'), request.caller), request),
    }),
    computeRoute({
      method: 'PUT',
      path: '/flavors/:id',
      since: DESCRIPTION,
      rule: 'compute:flavors:update',
      body: updateBody,
      handle: async (request) => {
        const { description } = request.body.flavor;
        const flavor = await store.write((draft) => {
          const { description: _before, ...rest } = needFlavor(draft.view, paramOf(request, 'id'));
          const after: Flavor = { ...rest, ...(description !== null && { description }) };
          draft.put('flavor', after);
          return after;
        });
        return reply(flavor, request);
      },
    }),
    computeRoute({
      method: 'DELETE',
      path: '/flavors/:id',
      rule: 'compute:flavors:delete',
      handle: async (request) => {
        const id = paramOf(request, 'id');
        await store.write((draft) => {
          needFlavor(draft.view, id);
          draft.delete('flavor', id);
        });
        return { status: 202 };
      },
    }),
  ];
};

interface ListOptions {
  readonly path: string;
  readonly render: typeof renderFlavor | typeof renderFlavorBriefly;
}

/** @throws HttpError 409. */
const addFlavor = (draft: Draft, flavor: Flavor): void => {
  if (draft.view.related('flavor', nameRelation(flavor.name)).length > 0)
    throw conflict(`Flavor with name ${flavor.name} already exists.`);
  if (draft.view.get('flavor', flavor.id)) throw conflict(`Flavor with ID ${flavor.id} already exists.`);
  draft.put('flavor', flavor);
};
