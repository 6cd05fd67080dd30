import { z } from 'zod';
import { badRequest, HttpError } from '../../../http/http-error.js';
import { paramOf, type Route } from '../../../http/route.js';
import { name } from '../../routes/fields.js';
import { computeRoute, type ComputeRequest } from '../../compute-route.js';
import { linksTo } from '../../links.js';
import { takePage } from '../../paging.js';
import { checkLock } from '../engine/ask-server.js';
import { changeServer } from '../engine/change-server.js';
import { createServers } from '../engine/create-servers.js';
import { deleteServer } from '../engine/delete-server.js';
import { needServer } from '../engine/find-server.js';
import { listServers, seen, type Seen } from '../engine/list-servers.js';
import { renderBriefly, renderCommon, renderServer, type RenderOptions } from '../render/render-server.js';
import type { Servers } from '../servers.js';
import { accessIPv4, accessIPv6, createBodyOf, description, diskConfig } from './create-body.js';
import { renderOptionsOf, targetOf } from './server-route.js';

const updateBodyOf = (minor: number) =>
  z.strictObject({
    server: z.strictObject({
      name: name.optional(),
      accessIPv4: accessIPv4.optional(),
      accessIPv6: accessIPv6.optional(),
      'OS-DCF:diskConfig': diskConfig.optional(),
      description:
        minor >= 19 ? description.optional() : z.never('there are descriptions from version 2.19 on').optional(),
    }),
  });

/** https://docs.openstack.org/api-ref/compute/#servers-servers */
export const createServerRoutes = (servers: Servers): readonly Route[] => {
  const list = (
    request: ComputeRequest,
    { path, render }: { path: string; render: (item: Seen, options: RenderOptions) => object },
  ) => {
    const { query, caller, minor } = request;
    const found = listServers(servers, { query, caller, minor, hostnameOf: servers.hostnameOf });
    const { items, links } = takePage(found, {
      query,
      idOf: ({ server }) => server.id,
      url: `${servers.url}${path}`,
    });
    const options = renderOptionsOf(servers, request);
    return {
      status: 200,
      body: { servers: items.map((item) => render(item, options)), ...(links && { servers_links: links }) },
    };
  };
  const withGroups = ({ server }: Seen, minor: number): object =>
    minor >= 71 ? { server_groups: server.group === null ? [] : [server.group] } : {};

  return [
    computeRoute({
      method: 'GET',
      path: '/servers',
      rule: 'compute:servers:list',
      handle: (request) => list(request, { path: '/servers', render: renderBriefly }),
    }),
    computeRoute({
      method: 'GET',
      path: '/servers/detail',
      rule: 'compute:servers:list',
      handle: (request) => list(request, { path: '/servers/detail', render: renderServer }),
    }),
    computeRoute({
      method: 'POST',
      path: '/servers',
      rule: 'compute:servers:create',
      body: createBodyOf,
      handle: async ({ body, caller, requestId }) => {
        const { projectId: project } = caller;
        if (project === undefined) throw new HttpError(403, 'Servers belong to a project: the token is for none.');
        const created = await createServers(servers, { body, caller, project, requestId });
        const [first] = created.servers;
        if (!first) throw badRequest('There are no servers to make.');
        if (body.server.return_reservation_id) return { status: 202, body: { reservation_id: first.reservation_id } };
        const links = linksTo(`servers/${first.id}`, servers.url);
        return {
          status: 202,
          headers: { location: `${servers.url}/servers/${first.id}` },
          body: {
            server: {
              id: first.id,
              links,
              'OS-DCF:diskConfig': first.disk_config,
              security_groups: [{ name: 'default' }],
              adminPass: created.adminPass,
            },
          },
        };
      },
    }),
    computeRoute({
      method: 'GET',
      path: '/servers/:id',
      rule: 'compute:servers:show',
      handle: (request) => {
        const { item } = targetOf(servers, request);
        const options = renderOptionsOf(servers, request);
        return {
          status: 200,
          body: { server: { ...renderServer(item, options), ...withGroups(item, request.minor) } },
        };
      },
    }),
    computeRoute({
      method: 'PUT',
      path: '/servers/:id',
      rule: 'compute:servers:update',
      body: updateBodyOf,
      handle: async (request) => {
        const target = targetOf(servers, request);
        checkLock(target);
        const { server: body } = request.body;
        const server = await changeServer(servers, target.item.server, (now) => ({
          ...now,
          name: body.name ?? now.name,
          access_ipv4: body.accessIPv4 ?? now.access_ipv4,
          access_ipv6: body.accessIPv6 ?? now.access_ipv6,
          disk_config: body['OS-DCF:diskConfig'] ?? now.disk_config,
          description: body.description === undefined ? now.description : body.description,
          updated_at: new Date().toISOString(),
        }));
        const item = seen(servers, server);
        const options = renderOptionsOf(servers, request);
        const render = request.minor >= 75 ? renderServer : renderCommon;
        return { status: 200, body: { server: { ...render(item, options), ...withGroups(item, request.minor) } } };
      },
    }),
    computeRoute({
      method: 'DELETE',
      path: '/servers/:id',
      rule: 'compute:servers:delete',
      handle: async (request) => {
        const { caller, requestId } = request;
        const item = needServer(servers, paramOf(request, 'id'), caller);
        checkLock({ item, caller });
        await deleteServer(servers, item.server, { caller, requestId });
        return { status: 204 };
      },
    }),
  ];
};
