import { z } from 'zod';
import { badRequest, notFound } from '../../../http/http-error.js';
import { paramOf, type Route } from '../../../http/route.js';
import { computeRoute, type ComputeRequest } from '../../compute-route.js';
import { checkState } from '../engine/ask-server.js';
import { changeServer } from '../engine/change-server.js';
import type { Servers } from '../servers.js';
import { tag, tags } from './create-body.js';
import { targetOf } from './server-route.js';

const SINCE = 26;
const MAX_TAGS = 50;
const body = z.strictObject({ tags });

/** https://docs.openstack.org/api-ref/compute/#server-tags-servers-tags */
export const createTagRoutes = (servers: Servers): readonly Route[] => {
  const change = async (
    request: ComputeRequest,
    plan: (before: readonly string[]) => string[],
  ): Promise<readonly string[]> => {
    const target = targetOf(servers, request);
    checkState(target, { action: 'update tags', ignoresTask: true });
    const server = await changeServer(servers, target.item.server, (now) => ({
      ...now,
      tags: plan(now.tags),
      updated_at: new Date().toISOString(),
    }));
    return server.tags;
  };
  const needTag = (request: ComputeRequest): string => {
    const name = paramOf(request, 'tag');
    const { server } = targetOf(servers, request).item;
    if (!server.tags.includes(name)) throw notFound(`Server ${server.id} has no tag '${name}'`);
    return name;
  };

  return [
    computeRoute({
      method: 'GET',
      path: '/servers/:id/tags',
      since: SINCE,
      rule: 'compute:servers:show',
      handle: (request) => ({ status: 200, body: { tags: targetOf(servers, request).item.server.tags } }),
    }),
    computeRoute({
      method: 'PUT',
      path: '/servers/:id/tags',
      since: SINCE,
      rule: 'compute:servers:update',
      body,
      handle: async (request) => ({ status: 200, body: { tags: await change(request, () => request.body.tags) } }),
    }),
    computeRoute({
      method: 'DELETE',
      path: '/servers/:id/tags',
      since: SINCE,
      rule: 'compute:servers:update',
      handle: async (request) => {
        await change(request, () => []);
        return { status: 204 };
      },
    }),
    computeRoute({
      method: 'GET',
      path: '/servers/:id/tags/:tag',
      since: SINCE,
      rule: 'compute:servers:show',
      handle: (request) => {
        needTag(request);
        return { status: 204 };
      },
    }),
    computeRoute({
      method: 'PUT',
      path: '/servers/:id/tags/:tag',
      since: SINCE,
      rule: 'compute:servers:update',
      handle: async (request) => {
        const { data: name } = tag.safeParse(paramOf(request, 'tag'));
        if (name === undefined) throw badRequest('A tag has 1 to 60 characters, and no comma or slash.');
        const { server } = targetOf(servers, request).item;
        if (server.tags.includes(name)) return { status: 204 };
        if (server.tags.length >= MAX_TAGS)
          throw badRequest(`The number of tags exceeded the per-server limit ${MAX_TAGS}`);
        await change(request, (before) => [...new Set([...before, name])]);
        return { status: 201, headers: { location: `${servers.url}/servers/${server.id}/tags/${name}` } };
      },
    }),
    computeRoute({
      method: 'DELETE',
      path: '/servers/:id/tags/:tag',
      since: SINCE,
      rule: 'compute:servers:update',
      handle: async (request) => {
        const name = needTag(request);
        await change(request, (before) => before.filter((one) => one !== name));
        return { status: 204 };
      },
    }),
  ];
};
