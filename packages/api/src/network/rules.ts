/**
 * Who may do what, in the rule language of OpenStack. Networks belong to nobody, and everybody who has a role in a project sees them; ports and
 * security groups belong to a project.
 */

const OVERSEER = 'rule:overseer';
const READ = `${OVERSEER} or (role:reader and scope:project)`;
const WRITE = '(role:admin and scope:project) or (role:member and scope:project) or (role:admin and scope:system)';

export const RULES: Readonly<Record<string, string>> = {
  overseer: '(role:admin and scope:project) or (role:admin and scope:system) or (role:reader and system_scope:all)',

  'network:get_extension': '@',
  'network:get_network': READ,
  'network:get_subnet': READ,
  'network:get_port': READ,
  'network:get_security_group': READ,
  'network:get_quota': `${OVERSEER} or (role:reader and project_id:%(quota.project_id)s)`,
  'network:list_quotas': OVERSEER,
  'network:get_other': READ,
  'network:change': WRITE,
};
