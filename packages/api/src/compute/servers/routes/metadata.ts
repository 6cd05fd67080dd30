import { z } from 'zod';
import { badRequest, notFound } from '../../../http/http-error.js';
import { paramOf, type Route } from '../../../http/route.js';
import { computeRoute, type ComputeRequest } from '../../compute-route.js';
import { checkState, setMetadata } from '../engine/ask-server.js';
import type { VmState } from '../engine/status.js';
import type { Servers } from '../servers.js';
import { metadata } from './create-body.js';
import { targetOf } from './server-route.js';

const all = z.strictObject({ metadata });
const one = z.strictObject({
  meta: metadata.refine((entries) => Object.keys(entries).length === 1, 'expected one entry'),
});

const FROM: readonly VmState[] = [
  'active',
  'paused',
  'suspended',
  'stopped',
  'building',
  'resized',
  'shelved_offloaded',
  'error',
];

/** https://docs.openstack.org/api-ref/compute/#server-metadata-servers-metadata */
export const createMetadataRoutes = (servers: Servers): readonly Route[] => {
  const itemOf = (request: ComputeRequest): readonly [string, string] => {
    const key = paramOf(request, 'key');
    const value = targetOf(servers, request).item.server.metadata[key];
    if (value === undefined) throw notFound('Metadata item was not found');
    return [key, value];
  };
  const change = async (
    request: ComputeRequest,
    plan: (before: Readonly<Record<string, string>>) => Record<string, string>,
    action: string,
  ): Promise<Record<string, string>> => {
    const target = targetOf(servers, request);
    checkState(target, { action, from: FROM, ignoresTask: true });
    const after = plan(target.item.server.metadata);
    if (Object.keys(after).length > 128) throw badRequest('A server has at most 128 entries of metadata.');
    await setMetadata(servers, target, after);
    return after;
  };

  return [
    computeRoute({
      method: 'GET',
      path: '/servers/:id/metadata',
      rule: 'compute:servers:show',
      handle: (request) => ({ status: 200, body: { metadata: targetOf(servers, request).item.server.metadata } }),
    }),
    computeRoute({
      method: 'POST',
      path: '/servers/:id/metadata',
      rule: 'compute:servers:update',
      body: all,
      handle: async (request) => ({
        status: 200,
        body: {
          metadata: await change(request, (before) => ({ ...before, ...request.body.metadata }), 'update metadata'),
        },
      }),
    }),
    computeRoute({
      method: 'PUT',
      path: '/servers/:id/metadata',
      rule: 'compute:servers:update',
      body: all,
      handle: async (request) => ({
        status: 200,
        body: { metadata: await change(request, () => request.body.metadata, 'update metadata') },
      }),
    }),
    computeRoute({
      method: 'GET',
      path: '/servers/:id/metadata/:key',
      rule: 'compute:servers:show',
      handle: (request) => ({ status: 200, body: { meta: Object.fromEntries([itemOf(request)]) } }),
    }),
    computeRoute({
      method: 'PUT',
      path: '/servers/:id/metadata/:key',
      rule: 'compute:servers:update',
      body: one,
      handle: async (request) => {
        const { meta } = request.body;
        if (!(paramOf(request, 'key') in meta)) throw badRequest('Request body and URI mismatch');
        await change(request, (before) => ({ ...before, ...meta }), 'update metadata');
        return { status: 200, body: { meta } };
      },
    }),
    computeRoute({
      method: 'DELETE',
      path: '/servers/:id/metadata/:key',
      rule: 'compute:servers:update',
      handle: async (request) => {
        const [key] = itemOf(request);
        await change(
          request,
          (before) => Object.fromEntries(Object.entries(before).filter(([name]) => name !== key)),
          'delete metadata',
        );
        return { status: 204 };
      },
    }),
  ];
};
