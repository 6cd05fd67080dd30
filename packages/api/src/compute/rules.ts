/**
 * Who may do what, in the rule language of OpenStack: an admin of any project everything; who is in a project, what belongs to it; who has a
 * token, what belongs to nobody.
 */

const ADMIN = 'rule:admin';
const ANYBODY_KNOWN = '@';

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
};
