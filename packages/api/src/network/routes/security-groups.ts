import { z } from 'zod';
import type { Caller } from '../../http/caller.js';
import { callerOf, paramOf, withBody, type ApiRequest, type Route } from '../../http/route.js';
import { defaultGroupOf, type GroupRule, type SecurityGroup } from '../engine/security-group.js';
import { missing, NetworkError, notHere } from '../network-error.js';
import { isOverseer, type Network } from '../network.js';
import { renderGroup, renderGroupRule } from '../render.js';
import { listReply, showReply } from './lists.js';

const NOBODYS = defaultGroupOf('');
const GROUP_ATTRIBUTES = Object.keys(renderGroup(NOBODYS));
const RULE_ATTRIBUTES = [...new Set(NOBODYS.rules.flatMap((rule) => Object.keys(renderGroupRule(rule))))];

const GROUPS = 'There are no security groups but `default` yet, and that cannot be changed.';

const groupBody = z.looseObject({ security_group: z.looseObject({ name: z.string().default('') }) });
const ruleBody = z.looseObject({ security_group_rule: z.looseObject({ security_group_id: z.string().default('') }) });

/** The group that every server of a project is in: it can be looked at. */
export const createGroupRoutes = (network: Network): readonly Route[] => [
  {
    method: 'GET',
    path: '/v2.0/security-groups',
    rule: 'network:get_security_group',
    handle: (request) =>
      listReply(network, request, {
        name: 'security_groups',
        path: 'security-groups',
        items: listGroups(network, request).map(renderGroup),
        attributes: GROUP_ATTRIBUTES,
      }),
  },
  {
    method: 'GET',
    path: '/v2.0/security-groups/:id',
    rule: 'network:get_security_group',
    handle: (request) => showReply('security_group', renderGroup(findGroup(network, request)), request),
  },
  withBody({
    method: 'POST',
    path: '/v2.0/security-groups',
    rule: 'network:change',
    refusal: GROUPS,
    body: groupBody,
    handle: ({ body }) => {
      if (body.security_group.name.toLowerCase() === 'default')
        throw new NetworkError(409, 'SecurityGroupDefaultAlreadyExists', 'Default security group already exists.');
      throw notHere(GROUPS);
    },
  }),
  ...(['PUT', 'DELETE'] as const).map((method): Route => ({
    method,
    path: '/v2.0/security-groups/:id',
    rule: 'network:change',
    refusal: GROUPS,
    handle: (request) => {
      findGroup(network, request);
      throw notHere(GROUPS);
    },
  })),
  {
    method: 'GET',
    path: '/v2.0/security-group-rules',
    rule: 'network:get_security_group',
    handle: (request) =>
      listReply(network, request, {
        name: 'security_group_rules',
        path: 'security-group-rules',
        items: listGroups(network, request)
          .flatMap((group) => group.rules)
          .map(renderGroupRule),
        attributes: RULE_ATTRIBUTES,
      }),
  },
  {
    method: 'GET',
    path: '/v2.0/security-group-rules/:id',
    rule: 'network:get_security_group',
    handle: (request) => showReply('security_group_rule', renderGroupRule(findRule(network, request)), request),
  },
  withBody({
    method: 'POST',
    path: '/v2.0/security-group-rules',
    rule: 'network:change',
    refusal: GROUPS,
    body: ruleBody,
    handle: (request) => {
      const { security_group_id: id } = request.body.security_group_rule;
      if (!knownGroups(network, request).some((group) => group.id === id)) throw missing('Security group', id);
      throw notHere(GROUPS);
    },
  }),
  {
    method: 'DELETE',
    path: '/v2.0/security-group-rules/:id',
    rule: 'network:change',
    refusal: GROUPS,
    handle: (request) => {
      findRule(network, request);
      throw notHere(GROUPS);
    },
  },
];

type Asked = Pick<ApiRequest, 'caller' | 'params' | 'query'>;

/** Those that a list is of: the caller's own; an overseer may ask for another project's, and one without a project has all. */
const listGroups = ({ projects }: Network, request: Pick<Asked, 'caller' | 'query'>): readonly SecurityGroup[] => {
  const caller = callerOf(request);
  const asked = [...request.query.getAll('project_id'), ...request.query.getAll('tenant_id')];
  const isOfAll = isOverseer(caller) && (asked.length > 0 || caller.projectId === undefined);
  return (isOfAll ? projects() : own(caller)).map(defaultGroupOf);
};

/** Those that can be named. */
const knownGroups = ({ projects }: Network, request: Pick<Asked, 'caller'>): readonly SecurityGroup[] => {
  const caller = callerOf(request);
  return (isOverseer(caller) ? projects() : own(caller)).map(defaultGroupOf);
};

const own = ({ projectId }: Caller): readonly string[] => (projectId === undefined ? [] : [projectId]);

const findGroup = (network: Network, request: Asked): SecurityGroup => {
  const id = paramOf(request, 'id');
  const group = knownGroups(network, request).find((one) => one.id === id);
  if (!group) throw missing('Security group', id);
  return group;
};

const findRule = (network: Network, request: Asked): GroupRule => {
  const id = paramOf(request, 'id');
  const rules = knownGroups(network, request).flatMap((group) => group.rules);
  const rule = rules.find((one) => one.id === id);
  if (!rule) throw missing('Security group rule', id);
  return rule;
};
