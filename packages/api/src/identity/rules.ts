/**
 * Who may do what, in the rule language of OpenStack: roles admin, member and reader mean what they mean there. An admin of any project or of
 * the system may do everything, a reader of the system may look at everything, and a reader of a domain, by a token for that domain, at what
 * is in it. Who is admin of a domain only, may do no more than its reader: he could take over a user of his who is admin elsewhere.
 */

const ADMIN = 'rule:admin';
const READ = 'rule:admin or rule:system_reader';
const own = (target: string): string => `user_id:%(target.${target})s`;
/** @param target where the domain's id stands. */
const look = (target: string): string => `${READ} or (role:reader and domain_id:%(target.${target})s)`;
const ANYBODY_KNOWN = '@';

export const RULES: Readonly<Record<string, string>> = {
  admin: 'role:admin and (scope:project or scope:system)',
  system_reader: 'role:reader and system_scope:all',

  'identity:validate_token': `${READ} or role:service or ${own('token.user_id')}`,
  'identity:revoke_token': `${ADMIN} or ${own('token.user_id')}`,
  'identity:get_auth_catalog': ANYBODY_KNOWN,
  'identity:get_auth_projects': ANYBODY_KNOWN,
  'identity:get_auth_domains': ANYBODY_KNOWN,
  'identity:get_auth_system': ANYBODY_KNOWN,

  'identity:list_regions': ANYBODY_KNOWN,
  'identity:get_region': ANYBODY_KNOWN,
  'identity:list_services': READ,
  'identity:get_service': READ,
  'identity:list_endpoints': READ,
  'identity:get_endpoint': READ,

  'identity:list_domains': READ,
  'identity:get_domain': `${look('domain.id')} or user.domain_id:%(target.domain.id)s or project_domain_id:%(target.domain.id)s`,
  'identity:create_domain': ADMIN,
  'identity:update_domain': ADMIN,
  'identity:delete_domain': ADMIN,

  'identity:list_projects': look('domain_id'),
  'identity:get_project': `${look('project.domain_id')} or project_id:%(target.project.id)s`,
  'identity:create_project': ADMIN,
  'identity:update_project': ADMIN,
  'identity:delete_project': ADMIN,
  'identity:list_user_projects': `${look('user.domain_id')} or ${own('user.id')}`,

  'identity:list_users': look('domain_id'),
  'identity:get_user': `${look('user.domain_id')} or ${own('user.id')}`,
  'identity:create_user': ADMIN,
  'identity:update_user': ADMIN,
  'identity:delete_user': ADMIN,

  'identity:list_groups': look('domain_id'),
  'identity:get_group': look('group.domain_id'),
  'identity:create_group': ADMIN,
  'identity:update_group': ADMIN,
  'identity:delete_group': ADMIN,
  'identity:list_groups_for_user': `${look('user.domain_id')} or ${own('user.id')}`,
  'identity:list_users_in_group': look('group.domain_id'),
  'identity:check_user_in_group': look('group.domain_id'),
  'identity:add_user_to_group': ADMIN,
  'identity:remove_user_from_group': ADMIN,

  'identity:list_roles': `${READ} or role:reader`,
  'identity:get_role': `${READ} or role:reader`,
  'identity:create_role': ADMIN,
  'identity:update_role': ADMIN,
  'identity:delete_role': ADMIN,
  'identity:list_implied_roles': READ,
  'identity:list_role_inference_rules': READ,

  'identity:list_role_assignments': READ,
  'identity:list_grants': READ,
  'identity:check_grant': READ,
  'identity:create_grant': ADMIN,
  'identity:revoke_grant': ADMIN,

  'identity:list_application_credentials': `${READ} or ${own('user.id')}`,
  'identity:get_application_credential': `${READ} or ${own('user.id')}`,
  'identity:create_application_credential': own('user.id'),
  'identity:delete_application_credential': `${ADMIN} or ${own('user.id')}`,
};
