import { badRequest, HttpError } from '../../http/http-error.js';
import { paramOf, type Route } from '../../http/route.js';
import type { Compute } from '../compute.js';
import { computeRoute, type ComputeRequest } from '../compute-route.js';
import {
  findHostById,
  idOfHost,
  listHypervisors,
  matchHypervisors,
  UUIDS,
  type Hypervisor,
} from '../engine/hypervisors.js';
import { takePage } from '../paging.js';
import { renderAmounts, renderHypervisor, renderHypervisorBriefly } from '../render-hypervisor.js';

/** The version from which lists come in pages. */
const PAGES = 33;
const LAST_OF_AMOUNTS = 87;

/** https://docs.openstack.org/api-ref/compute/#hypervisors-os-hypervisors */
export const createHypervisorRoutes = (compute: Compute): readonly Route[] => {
  const serversOn = ({ host }: Hypervisor): readonly { readonly id: string }[] =>
    [...compute.servers.store.all()].filter(
      ({ id, deleted_at }) => deleted_at === null && compute.servers.store.report(id)?.host === host.host,
    );
  const optionsFor = (
    hypervisor: Hypervisor,
    { minor, query }: Pick<ComputeRequest, 'minor' | 'query'>,
  ): Parameters<typeof renderHypervisor>[1] => ({
    minor,
    ...(minor >= UUIDS && isYes(query.get('with_servers')) && { servers: serversOn(hypervisor) }),
  });
  const list = async (
    request: ComputeRequest,
    { path, render }: { readonly path: string; readonly render: typeof renderHypervisor },
  ) => {
    const { minor, query } = request;
    const all = await listHypervisors(compute);
    const pattern = minor >= UUIDS ? query.get('hypervisor_hostname_pattern') : null;
    if (pattern !== null && (query.has('limit') || query.has('marker')))
      throw badRequest('What matches hypervisor_hostname_pattern does not come in pages.');
    const idOf = ({ host }: Hypervisor): string => String(idOfHost(host, minor));
    const { items, links } =
      pattern === null && minor >= PAGES
        ? takePage(all, { query, idOf, url: `${compute.url}${path}` })
        : { items: pattern === null ? all : matchHypervisors(all, pattern), links: undefined };
    return {
      status: 200,
      body: {
        hypervisors: items.map((hypervisor) => render(hypervisor, optionsFor(hypervisor, request))),
        ...(links && { hypervisors_links: links }),
      },
    };
  };

  return [
    computeRoute({
      method: 'GET',
      path: '/os-hypervisors',
      rule: 'compute:hypervisors:list',
      handle: async (request) => list(request, { path: '/os-hypervisors', render: renderHypervisorBriefly }),
    }),
    computeRoute({
      method: 'GET',
      path: '/os-hypervisors/detail',
      rule: 'compute:hypervisors:list',
      handle: async (request) => list(request, { path: '/os-hypervisors/detail', render: renderHypervisor }),
    }),
    computeRoute({
      method: 'GET',
      path: '/os-hypervisors/statistics',
      until: LAST_OF_AMOUNTS,
      rule: 'compute:hypervisors:list',
      handle: async () => {
        const hosts = await compute.hosts();
        return { status: 200, body: { hypervisor_statistics: { count: hosts.length, ...renderAmounts(hosts) } } };
      },
    }),
    computeRoute({
      method: 'GET',
      path: '/os-hypervisors/:id',
      rule: 'compute:hypervisors:show',
      handle: async (request) => {
        const { minor } = request;
        const hypervisor = findHostById(await listHypervisors(compute), { id: paramOf(request, 'id'), minor });
        return { status: 200, body: { hypervisor: renderHypervisor(hypervisor, optionsFor(hypervisor, request)) } };
      },
    }),
    computeRoute({
      method: 'GET',
      path: '/os-hypervisors/:id/uptime',
      until: LAST_OF_AMOUNTS,
      rule: 'compute:hypervisors:show',
      handle: async (request) => {
        findHostById(await listHypervisors(compute), { id: paramOf(request, 'id'), minor: request.minor });
        throw new HttpError(501, 'Hosts do not tell here how long they have been up.');
      },
    }),
    computeRoute({
      method: 'GET',
      path: '/os-hypervisors/:id/search',
      until: UUIDS - 1,
      rule: 'compute:hypervisors:list',
      handle: async (request) => {
        const { minor } = request;
        const found = matchHypervisors(await listHypervisors(compute), paramOf(request, 'id'));
        return { status: 200, body: { hypervisors: found.map((one) => renderHypervisorBriefly(one, { minor })) } };
      },
    }),
    computeRoute({
      method: 'GET',
      path: '/os-hypervisors/:id/servers',
      until: UUIDS - 1,
      rule: 'compute:hypervisors:list',
      handle: async (request) => {
        const { minor } = request;
        const found = matchHypervisors(await listHypervisors(compute), paramOf(request, 'id'));
        const hypervisors = found.map((one) => renderHypervisorBriefly(one, { minor, servers: serversOn(one) }));
        return { status: 200, body: { hypervisors } };
      },
    }),
  ];
};

/** @throws HttpError 400. */
const isYes = (text: string | null): boolean => {
  if (text === null || /^(0|f|false|off|n|no)$/i.test(text)) return false;
  if (/^(1|t|true|on|y|yes)$/i.test(text)) return true;
  throw badRequest('Invalid input for query parameters with_servers: it is neither true nor false.');
};
