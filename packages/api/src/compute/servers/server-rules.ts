/** Who may do what with servers. A server of another project is not found, but by admins. */

const READ = 'rule:admin or (role:reader and scope:project)';
const WRITE = 'rule:admin or (role:member and scope:project)';

export const SERVER_RULES: Readonly<Record<string, string>> = {
  'compute:servers:list': READ,
  'compute:servers:show': READ,
  'compute:servers:create': WRITE,
  'compute:servers:update': WRITE,
  'compute:servers:delete': WRITE,
  'compute:servers:act': WRITE,
  'compute:servers:diagnose': 'rule:admin',
};
