/**
 * Who may do what, in the rule language of OpenStack: an admin of any project everything; who is in a project, what belongs to it; who has a
 * token, what belongs to nobody.
 */

const ADMIN = 'rule:admin';
const ANYBODY_KNOWN = '@';
const OWN = `${ADMIN} or user_id:%(target.user_id)s`;
const OF_PROJECT = `${ADMIN} or (role:reader and project_id:%(target.project_id)s)`;

export const RULES: Readonly<Record<string, string>> = {
  admin: 'role:admin and scope:project',

  'compute:flavors:list': ANYBODY_KNOWN,
  'compute:flavors:show': ANYBODY_KNOWN,
  'compute:flavors:create': ADMIN,
  'compute:flavors:update': ADMIN,
  'compute:flavors:delete': ADMIN,
  'compute:flavor_access:list': ADMIN,
  'compute:flavor_access:change': ADMIN,
  'compute:flavor_extra_specs:list': 'role:reader and scope:project',
  'compute:flavor_extra_specs:show': 'role:reader and scope:project',
  'compute:flavor_extra_specs:create': ADMIN,
  'compute:flavor_extra_specs:update': ADMIN,
  'compute:flavor_extra_specs:delete': ADMIN,

  'compute:keypairs:list': OWN,
  'compute:keypairs:create': ANYBODY_KNOWN,
  'compute:keypairs:show': OWN,
  'compute:keypairs:delete': OWN,

  'compute:quota_sets:show': OF_PROJECT,
  'compute:quota_sets:update': ADMIN,
  'compute:quota_sets:delete': ADMIN,
  'compute:quota_class_sets:show': ADMIN,
  'compute:quota_class_sets:update': ADMIN,
  'compute:limits:show': OF_PROJECT,
  'compute:simple_tenant_usage:list': ADMIN,
  'compute:simple_tenant_usage:show': OF_PROJECT,

  'compute:server_groups:list': 'role:reader and scope:project',
  'compute:server_groups:create': 'role:member and scope:project',
  'compute:server_groups:show': OF_PROJECT,
  'compute:server_groups:delete': `${ADMIN} or (role:member and project_id:%(target.project_id)s)`,

  'compute:aggregates:list': ADMIN,
  'compute:aggregates:create': ADMIN,
  'compute:aggregates:show': ADMIN,
  'compute:aggregates:update': ADMIN,
  'compute:aggregates:delete': ADMIN,
  'compute:aggregates:change': ADMIN,
  'compute:availability_zones:list': ANYBODY_KNOWN,
  'compute:availability_zones:detail': ADMIN,

  'compute:hypervisors:list': ADMIN,
  'compute:hypervisors:show': ADMIN,
  'compute:services:list': ADMIN,
  'compute:services:update': ADMIN,

  'compute:extensions': ANYBODY_KNOWN,
  'compute:images:list': ANYBODY_KNOWN,
  'compute:images:show': ANYBODY_KNOWN,
  'compute:images:delete': `${ADMIN} or (role:member and project_id:%(target.project_id)s)`,
};
