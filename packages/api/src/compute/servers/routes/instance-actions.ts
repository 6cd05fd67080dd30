import { notFound } from '../../../http/http-error.js';
import { paramOf, type Route } from '../../../http/route.js';
import { isAdmin } from '../../engine/find-flavor.js';
import { computeRoute, type ComputeRequest } from '../../compute-route.js';
import { takePage } from '../../paging.js';
import { readTime, type Seen } from '../engine/list-servers.js';
import { hostIdOf, toMicroseconds } from '../render/render-server.js';
import type { Servers } from '../servers.js';
import type { Action } from '../state/server-record.js';
import { targetOf } from './server-route.js';

/** What Nova calls the work behind an action. */
const eventOf = ({ action }: Action): string =>
  action === 'create' ? 'compute__do_build_and_run_instance' : `compute_${action}_instance`;

/** From which versions there is more to see. */
const [SEEN_BY_ALL, UPDATED] = [51, 58];

const render = (action: Action, { instance, minor }: { instance: string; minor: number }): Record<string, unknown> => ({
  action: action.action,
  instance_uuid: instance,
  request_id: action.request_id,
  user_id: action.user,
  project_id: action.project,
  start_time: toMicroseconds(action.started_at),
  message: action.result === 'Error' ? 'Error' : null,
  ...(minor >= UPDATED && { updated_at: toMicroseconds(action.finished_at ?? action.started_at) }),
});

/** Those that changed within the times of a query. @throws HttpError 400. */
const withinTimes = (
  actions: readonly Action[],
  { query, minor }: { query: URLSearchParams; minor: number },
): readonly Action[] => {
  const read = (name: string, fallback: number): number => {
    const text = query.get(name);
    return text === null ? fallback : readTime(text, name);
  };
  const from = read('changes-since', Number.NEGATIVE_INFINITY);
  const to = minor >= 66 ? read('changes-before', Number.POSITIVE_INFINITY) : Number.POSITIVE_INFINITY;
  return actions.filter(({ started_at, finished_at }) => {
    const at = Date.parse(finished_at ?? started_at);
    return at >= from && at <= to;
  });
};

/** https://docs.openstack.org/api-ref/compute/#servers-actions-servers-os-instance-actions */
export const createInstanceActionRoutes = (servers: Servers): readonly Route[] => {
  const renderEvents = (action: Action, { report, server }: Seen, { minor, caller }: ComputeRequest): object => {
    if (minor < SEEN_BY_ALL && !isAdmin(caller)) return {};
    const host = report ? (servers.hostnameOf(report.host) ?? report.host) : null;
    const event = {
      event: eventOf(action),
      start_time: toMicroseconds(action.started_at),
      finish_time: action.finished_at === null ? null : toMicroseconds(action.finished_at),
      result: action.result,
      ...(isAdmin(caller) && { traceback: action.message }),
      ...(minor >= 62 && { hostId: hostIdOf(server, report), ...(isAdmin(caller) && { host }) }),
      ...(minor >= 84 && { details: action.message }),
    };
    return { events: [event] };
  };

  return [
    computeRoute({
      method: 'GET',
      path: '/servers/:id/os-instance-actions',
      rule: 'compute:servers:show',
      handle: (request) => {
        const { minor, query } = request;
        const { server } = targetOf(servers, request).item;
        const actions = minor >= UPDATED ? withinTimes(server.actions, { query, minor }) : server.actions;
        const page = takePage(actions, {
          query: minor >= UPDATED ? query : new URLSearchParams(),
          idOf: ({ request_id }) => request_id,
          url: `${servers.url}/servers/${server.id}/os-instance-actions`,
        });
        return {
          status: 200,
          body: {
            instanceActions: page.items.map((action) => render(action, { instance: server.id, minor })),
            ...(page.links && { links: page.links }),
          },
        };
      },
    }),
    computeRoute({
      method: 'GET',
      path: '/servers/:id/os-instance-actions/:request',
      rule: 'compute:servers:show',
      handle: (request) => {
        const { item } = targetOf(servers, request);
        const { server } = item;
        const id = paramOf(request, 'request');
        const action = server.actions.find(({ request_id }) => request_id === id);
        if (!action) throw notFound(`Action for request_id ${id} on instance ${server.id} not found`);
        const shown = render(action, { instance: server.id, minor: request.minor });
        return { status: 200, body: { instanceAction: { ...shown, ...renderEvents(action, item, request) } } };
      },
    }),
  ];
};
