import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { badRequest, conflict, notFound } from '../../http/http-error.js';
import { paramOf, type Route } from '../../http/route.js';
import type { Compute } from '../compute.js';
import { computeRoute, type ComputeRequest } from '../compute-route.js';
import { addAggregate, changeAggregate, needAggregate, refuseName } from '../engine/aggregates.js';
import { renderAggregate, renderNewAggregate } from '../render-aggregate.js';
import type { Aggregate } from '../state/entities.js';
import { name, printable } from './fields.js';

const zone = name.regex(/^[^:]*$/, 'expected no colon');
const createBody = z.strictObject({ aggregate: z.strictObject({ name, availability_zone: zone.nullish() }) });
const updateBody = z.strictObject({
  aggregate: z
    .strictObject({ name: printable.trim().min(1).max(255).optional(), availability_zone: zone.nullish() })
    .refine((body) => Object.keys(body).length > 0, { message: 'expected name or availability_zone' }),
});
const host = z.strictObject({ host: z.string().regex(/^[a-zA-Z0-9-._]{1,255}$/, 'expected the name of a host') });
const metadata = z.record(
  z.string().regex(/^[a-zA-Z0-9-_:. ]{1,255}$/, 'expected letters, digits, spaces, and - _ : .'),
  z.string().max(255).nullable(),
);
const actionBody = z.union([
  z.strictObject({ add_host: host }),
  z.strictObject({ remove_host: host }),
  z.strictObject({ set_metadata: z.strictObject({ metadata }) }),
]);

type Plan = (before: Aggregate) => Aggregate;

/** Hosts that have something in common, such as a zone. https://docs.openstack.org/api-ref/compute/#host-aggregates-os-aggregates */
export const createAggregateRoutes = ({ store, hosts, now }: Compute): readonly Route[] => {
  const change = async (
    request: Pick<ComputeRequest, 'params' | 'minor'>,
    { plan, status = 400 }: { readonly plan: Plan; readonly status?: 400 | 409 },
  ) => {
    const all = await hosts();
    const aggregate = await store.write((draft) => {
      const before = needAggregate(draft.view, paramOf(request, 'id'));
      const after = { ...plan(before), updated_at: now() };
      if (after.name !== before.name) refuseName(draft.view, after.name);
      changeAggregate(draft, { before, after, hosts: all, status });
      return after;
    });
    return { status: 200, body: { aggregate: renderAggregate(aggregate, request.minor) } };
  };

  return [
    computeRoute({
      method: 'GET',
      path: '/os-aggregates',
      rule: 'compute:aggregates:list',
      handle: ({ minor }) => {
        const all = store
          .view()
          .list('aggregate')
          .toSorted((a, b) => a.id - b.id);
        return { status: 200, body: { aggregates: all.map((aggregate) => renderAggregate(aggregate, minor)) } };
      },
    }),
    computeRoute({
      method: 'POST',
      path: '/os-aggregates',
      rule: 'compute:aggregates:create',
      body: createBody,
      handle: async ({ body, minor }) => {
        const { name, availability_zone } = body.aggregate;
        const aggregate = await store.write((draft) =>
          addAggregate(draft, {
            uuid: randomUUID(),
            name,
            hosts: [],
            metadata: typeof availability_zone === 'string' ? { availability_zone } : {},
            created_at: now(),
          }),
        );
        return { status: 200, body: { aggregate: renderNewAggregate(aggregate, minor) } };
      },
    }),
    computeRoute({
      method: 'GET',
      path: '/os-aggregates/:id',
      rule: 'compute:aggregates:show',
      handle: (request) => {
        const aggregate = needAggregate(store.view(), paramOf(request, 'id'));
        return { status: 200, body: { aggregate: renderAggregate(aggregate, request.minor) } };
      },
    }),
    computeRoute({
      method: 'PUT',
      path: '/os-aggregates/:id',
      rule: 'compute:aggregates:update',
      body: updateBody,
      handle: async (request) => {
        const { name, availability_zone } = request.body.aggregate;
        return change(request, {
          plan: (before) => ({
            ...before,
            name: name ?? before.name,
            ...(availability_zone !== undefined && { metadata: withMetadata(before, { availability_zone }) }),
          }),
        });
      },
    }),
    computeRoute({
      method: 'DELETE',
      path: '/os-aggregates/:id',
      rule: 'compute:aggregates:delete',
      handle: async (request) => {
        await store.write((draft) => {
          const { id, hosts } = needAggregate(draft.view, paramOf(request, 'id'));
          if (hosts.length > 0) throw badRequest(`Cannot delete aggregate ${id}. Reason: Host aggregate is not empty.`);
          draft.delete('aggregate', String(id));
        });
        return { status: 200 };
      },
    }),
    computeRoute({
      method: 'POST',
      path: '/os-aggregates/:id/action',
      rule: 'compute:aggregates:change',
      body: actionBody,
      handle: async (request) => {
        const { body } = request;
        if ('set_metadata' in body)
          return change(request, {
            plan: (before) => ({ ...before, metadata: withMetadata(before, body.set_metadata.metadata) }),
          });
        if ('remove_host' in body)
          return change(request, { plan: (before) => withoutHost(before, body.remove_host.host), status: 409 });
        const { host } = body.add_host;
        const isThere = (await hosts()).some(({ name }) => name === host);
        if (!isThere) throw notFound(`Compute host ${host} could not be found.`);
        return change(request, { plan: (before) => withHost(before, host), status: 409 });
      },
    }),
  ];
};

/** What is null is taken away. */
const withMetadata = (
  { metadata }: Aggregate,
  changes: Readonly<Record<string, string | null>>,
): Aggregate['metadata'] =>
  Object.fromEntries(
    Object.entries({ ...metadata, ...changes }).filter((entry): entry is [string, string] => entry[1] !== null),
  );

/** @throws HttpError 409. */
const withHost = (before: Aggregate, host: string): Aggregate => {
  if (before.hosts.includes(host)) throw conflict(`Aggregate ${before.id} already has host ${host}.`);
  return { ...before, hosts: [...before.hosts, host] };
};

/** @throws HttpError 404. */
const withoutHost = (before: Aggregate, host: string): Aggregate => {
  if (!before.hosts.includes(host)) throw notFound(`Cannot remove host ${host} in aggregate ${before.id}`);
  return { ...before, hosts: before.hosts.filter((other) => other !== host) };
};
