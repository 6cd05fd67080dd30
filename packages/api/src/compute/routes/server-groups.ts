import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { badRequest } from '../../http/http-error.js';
import { paramOf, type ApiRequest, type Route } from '../../http/route.js';
import type { Compute } from '../compute.js';
import { computeRoute } from '../compute-route.js';
import { isAdmin } from '../engine/find-flavor.js';
import { limitsOf } from '../engine/quotas.js';
import { addServerGroup, listServerGroups, needServerGroup } from '../engine/server-groups.js';
import { takeFrom } from '../paging.js';
import type { ServerGroup } from '../state/entities.js';
import { name, positive } from './fields.js';

/** The first versions that have them. */
const OWNERS = 13;
const SOFT = 15;
const RULES = 64;

const strict = z.enum(['anti-affinity', 'affinity']);
const policy = z.enum(['anti-affinity', 'affinity', 'soft-anti-affinity', 'soft-affinity']);

interface CreateBody {
  readonly server_group: {
    readonly name: string;
    readonly policies?: readonly ServerGroup['policy'][] | undefined;
    readonly policy?: ServerGroup['policy'] | undefined;
    readonly rules?: { readonly max_server_per_host?: number | undefined } | undefined;
  };
}

const bodyIn = (minor: number): z.ZodType<CreateBody> => {
  if (minor < RULES) {
    const policies = z.array(minor >= SOFT ? policy : strict).length(1, 'expected one policy');
    return z.strictObject({ server_group: z.strictObject({ name, policies }) });
  }
  const rules = z.strictObject({ max_server_per_host: positive.optional() }).optional();
  return z.strictObject({ server_group: z.strictObject({ name, policy, rules }) });
};

/** https://docs.openstack.org/api-ref/compute/#server-groups-os-server-groups */
export const createServerGroupRoutes = ({ store, membersOf, now }: Compute): readonly Route[] => {
  const target = ({ params }: Omit<ApiRequest, 'body'>) => ({
    'target.project_id': needServerGroup(store.view(), params['id'] ?? '').project,
  });
  const render = (group: ServerGroup, minor: number): object => ({
    id: group.id,
    name: group.name,
    members: membersOf(group.id),
    ...(minor >= OWNERS && { project_id: group.project, user_id: group.user }),
    ...(minor >= RULES
      ? { policy: group.policy, rules: renderRules(group) }
      : { policies: [group.policy], metadata: {} }),
  });

  return [
    computeRoute({
      method: 'GET',
      path: '/os-server-groups',
      rule: 'compute:server_groups:list',
      handle: ({ query, caller, minor }) => {
        const isOfAll = query.has('all_projects') && isAdmin(caller);
        const groups = listServerGroups(store.view(), isOfAll ? undefined : caller.projectId);
        return { status: 200, body: { server_groups: takeFrom(groups, query).map((group) => render(group, minor)) } };
      },
    }),
    computeRoute({
      method: 'POST',
      path: '/os-server-groups',
      rule: 'compute:server_groups:create',
      body: bodyIn,
      handle: async ({ body, caller, minor }) => {
        const { name, policies, policy = policies?.[0], rules } = body.server_group;
        if (!policy) throw badRequest('server_group.policies: expected one policy');
        if (rules?.max_server_per_host !== undefined && policy !== 'anti-affinity')
          throw badRequest('Only anti-affinity policy supports rules.');
        const project = caller.projectId ?? '';
        const group: ServerGroup = {
          version: 1,
          id: randomUUID(),
          project,
          user: caller.userId,
          name,
          policy,
          created_at: now(),
          ...(rules?.max_server_per_host !== undefined && { max_per_host: rules.max_server_per_host }),
        };
        await store.write((draft) => {
          addServerGroup(draft, group, limitsOf(draft.view, project).server_groups);
        });
        return { status: 200, body: { server_group: render(group, minor) } };
      },
    }),
    computeRoute({
      method: 'GET',
      path: '/os-server-groups/:id',
      rule: 'compute:server_groups:show',
      target,
      handle: (request) => {
        const group = needServerGroup(store.view(), paramOf(request, 'id'));
        return { status: 200, body: { server_group: render(group, request.minor) } };
      },
    }),
    computeRoute({
      method: 'DELETE',
      path: '/os-server-groups/:id',
      rule: 'compute:server_groups:delete',
      target,
      handle: async (request) => {
        const id = paramOf(request, 'id');
        await store.write((draft) => {
          needServerGroup(draft.view, id);
          draft.delete('server_group', id);
        });
        return { status: 204 };
      },
    }),
  ];
};

const renderRules = ({ max_per_host }: ServerGroup): object =>
  max_per_host === undefined ? {} : { max_server_per_host: max_per_host };
