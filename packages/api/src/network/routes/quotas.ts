import { paramOf, type ApiRequest, type Route } from '../../http/route.js';
import { RULES_OF_GROUP } from '../engine/security-group.js';
import { notHere } from '../network-error.js';
import type { Network } from '../network.js';

/** What a project can have: what cannot be made here, it has none of. How many servers it has is what limits its ports. */
const LIMITS = {
  network: 0,
  subnet: 0,
  subnetpool: 0,
  router: 0,
  floatingip: 0,
  rbac_policy: 0,
  security_group: 1,
  security_group_rule: RULES_OF_GROUP.length,
  port: -1,
};

const USED: Readonly<Record<string, number>> = {
  security_group: LIMITS.security_group,
  security_group_rule: LIMITS.security_group_rule,
};

const target = (request: Omit<ApiRequest, 'body'>) => ({ 'quota.project_id': paramOf(request, 'project') });

const FIXED = 'Quotas of networks cannot be changed: projects make no networks yet.';

export const createQuotaRoutes = ({ instances }: Network): readonly Route[] => [
  // None differs from the others.
  {
    method: 'GET',
    path: '/v2.0/quotas',
    rule: 'network:list_quotas',
    handle: () => ({ status: 200, body: { quotas: [] } }),
  },
  ...['', '/default'].map((end): Route => ({
    method: 'GET',
    path: `/v2.0/quotas/:project${end}`,
    rule: 'network:get_quota',
    target,
    handle: (request) => ({ status: 200, body: { quota: { ...LIMITS, project_id: paramOf(request, 'project') } } }),
  })),
  ...['/details', '/details.json'].map((end): Route => ({
    method: 'GET',
    path: `/v2.0/quotas/:project${end}`,
    rule: 'network:get_quota',
    target,
    handle: async (request) => {
      const servers = await instances.list(paramOf(request, 'project'));
      const used = { ...USED, port: servers.reduce((sum, { nics }) => sum + (nics?.length ?? 0), 0) };
      return { status: 200, body: { quota: detailsOf(used) } };
    },
  })),
  ...(['PUT', 'DELETE'] as const).map((method): Route => ({
    method,
    path: '/v2.0/quotas/:project',
    rule: 'network:list_quotas',
    refusal: FIXED,
    handle: () => {
      throw notHere(FIXED);
    },
  })),
];

const detailsOf = (used: Readonly<Record<string, number>>): object =>
  Object.fromEntries(
    Object.entries(LIMITS).map(([name, limit]) => [name, { limit, used: used[name] ?? 0, reserved: 0 }]),
  );
