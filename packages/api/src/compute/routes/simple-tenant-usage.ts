import { badRequest } from '../../http/http-error.js';
import { paramOf, type Route } from '../../http/route.js';
import type { Compute } from '../compute.js';
import { computeRoute, type ComputeRequest } from '../compute-route.js';
import { takePage } from '../paging.js';
import { seen } from '../servers/engine/list-servers.js';
import {
  reportUsage,
  sumByProject,
  type Period,
  type ProjectUsage,
  type ServerUsage,
} from '../servers/engine/usage-report.js';
import { toTime } from '../times.js';

/** From which version servers come by pages. */
const PAGES_SINCE = 40;

/** In UTC; the day and the time may stand apart when there are fractions of seconds. */
const TIME = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d:\d\d(?:\.\d{1,6})?| \d\d:\d\d:\d\d\.\d{1,6})$/;

/** @throws HttpError 400. */
const readTime = (query: URLSearchParams, { name, now }: { name: string; now: number }): number => {
  const text = query.get(name) ?? '';
  if (text === '') return now;
  const time = Date.parse(`${text.replace(' ', 'T')}Z`);
  if (!TIME.test(text) || Number.isNaN(time))
    throw badRequest(`Invalid input for query parameters ${name}: it is not a time such as 2026-01-31T23:59:59.`);
  return time;
};

/** @throws HttpError 400. */
const readPeriod = (query: URLSearchParams, now: number): Period => {
  const start = readTime(query, { name: 'start', now });
  const end = readTime(query, { name: 'end', now });
  const isAsked = query.has('start') || query.has('end');
  if (isAsked && start >= end)
    throw badRequest(
      'Invalid start time. The start time cannot occur after the end time: each is now unless it is given.',
    );
  return { start, end };
};

const renderServer = (usage: ServerUsage): object => ({
  instance_id: usage.id,
  tenant_id: usage.project,
  name: usage.name,
  flavor: usage.flavor,
  vcpus: usage.vcpus,
  memory_mb: usage.memoryMiB,
  local_gb: usage.diskGiB,
  started_at: toTime(usage.startedAt),
  ended_at: usage.endedAt === null ? null : toTime(usage.endedAt),
  state: usage.state,
  hours: usage.hours,
  uptime: usage.uptimeSeconds,
});

const renderProject = (usage: ProjectUsage, { start, end }: Period): object => ({
  tenant_id: usage.project,
  start: toTime(start),
  stop: toTime(end),
  total_hours: usage.hours,
  total_vcpus_usage: usage.vcpuHours,
  total_memory_mb_usage: usage.memoryMiBHours,
  total_local_gb_usage: usage.diskGiBHours,
});

/** https://docs.openstack.org/api-ref/compute/#usage-reports-os-simple-tenant-usage */
export const createSimpleTenantUsageRoutes = ({ servers, now, url }: Compute): readonly Route[] => {
  const usageOf = ({ query, minor }: ComputeRequest, { path, project }: { path: string; project?: string }) => {
    const at = now();
    const { start, end } = readPeriod(query, at);
    const period = { start, end: Math.min(end, at) };
    const items = [...servers.store.all()]
      .filter((server) => project === undefined || server.project === project)
      .map((server) => seen(servers, server));
    const all = reportUsage(items, { ...period, now: at });
    const page =
      minor >= PAGES_SINCE
        ? takePage(all, { query, idOf: ({ id }) => id, url: url + path })
        : { items: all, links: undefined };
    return { period, links: page.links, usages: sumByProject(page.items) };
  };
  const renderDetails = (usage: ProjectUsage, period: Period): object => ({
    ...renderProject(usage, period),
    server_usages: usage.servers.map(renderServer),
  });

  return [
    computeRoute({
      method: 'GET',
      path: '/os-simple-tenant-usage',
      rule: 'compute:simple_tenant_usage:list',
      handle: (request) => {
        const { period, usages, links } = usageOf(request, { path: '/os-simple-tenant-usage' });
        const render = request.query.get('detailed') === '1' ? renderDetails : renderProject;
        return {
          status: 200,
          body: {
            tenant_usages: usages.map((usage) => render(usage, period)),
            ...(links && { tenant_usages_links: links }),
          },
        };
      },
    }),
    computeRoute({
      method: 'GET',
      path: '/os-simple-tenant-usage/:project',
      rule: 'compute:simple_tenant_usage:show',
      target: ({ params }) => ({ 'target.project_id': params['project'] }),
      handle: (request) => {
        const project = paramOf(request, 'project');
        const path = `/os-simple-tenant-usage/${encodeURIComponent(project)}`;
        const { period, usages, links } = usageOf(request, { path, project });
        const [usage] = usages;
        return {
          status: 200,
          body: {
            tenant_usage: usage ? renderDetails(usage, period) : {},
            ...(links && { tenant_usage_links: links }),
          },
        };
      },
    }),
  ];
};
