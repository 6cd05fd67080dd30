import { notFound } from '../../http/http-error.js';
import { paramOf, type Route } from '../../http/route.js';
import type { Compute } from '../compute.js';
import { computeRoute } from '../compute-route.js';

/** What older clients look for before they use it: alias, name, what it is for. */
const EXTENSIONS = [
  ['OS-EXT-AZ', 'ExtendedAvailabilityZone', 'The zones of servers.'],
  ['OS-EXT-IMG-SIZE', 'ImageSize', 'The sizes of images.'],
  ['OS-EXT-IPS', 'ExtendedIps', 'The types of addresses.'],
  ['OS-EXT-IPS-MAC', 'ExtendedIpsMac', 'The MAC addresses of servers.'],
  ['OS-EXT-SRV-ATTR', 'ExtendedServerAttributes', 'Where servers are, for admins.'],
  ['OS-EXT-STS', 'ExtendedStatus', 'What servers are doing.'],
  ['OS-FLV-DISABLED', 'FlavorDisabled', 'Whether flavors can be used.'],
  ['OS-FLV-EXT-DATA', 'FlavorExtraData', 'Ephemeral disks of flavors.'],
  ['OS-SCH-HNT', 'SchedulerHints', 'Server groups as hints.'],
  ['os-aggregates', 'Aggregates', 'Hosts that have something in common.'],
  ['os-attach-interfaces', 'AttachInterfaces', 'The ports of servers.'],
  ['os-availability-zone', 'AvailabilityZone', 'The zones that there are.'],
  ['os-config-drive', 'ConfigDrive', 'Drives that servers read their configuration from.'],
  ['os-console-output', 'ConsoleOutput', 'What servers have written to their consoles.'],
  ['os-flavor-access', 'FlavorAccess', 'Who may use a flavor.'],
  ['os-flavor-extra-specs', 'FlavorExtraSpecs', 'What else there is to a flavor.'],
  ['os-flavor-manage', 'FlavorManage', 'Flavors are made and deleted.'],
  ['os-hypervisors', 'Hypervisors', 'What runs servers.'],
  ['os-instance-actions', 'InstanceActions', 'What was done with servers.'],
  ['os-keypairs', 'Keypairs', 'Keys that may log in.'],
  ['os-multiple-create', 'MultipleCreate', 'Servers are created many at once.'],
  ['os-quota-class-sets', 'QuotaClasses', 'The limits of all projects.'],
  ['os-quota-sets', 'Quotas', 'The limits of a project.'],
  ['os-remote-consoles', 'Consoles', 'Consoles of servers by websocket.'],
  ['os-server-groups', 'ServerGroups', 'Servers that are on the same host, or on others.'],
  ['os-services', 'Services', 'The agents of hosts.'],
  ['os-shelve', 'Shelve', 'Servers give their room away.'],
  ['os-simple-tenant-usage', 'SimpleTenantUsage', 'How long servers of projects were there.'],
  ['os-suspend-server', 'SuspendServer', 'Servers are suspended and resumed.'],
  ['os-used-limits', 'UsedLimits', 'What is used of limits.'],
  ['os-user-data', 'UserData', 'Data for what servers do when they start.'],
] as const;

const render = ([alias, name, description]: (typeof EXTENSIONS)[number]): object => ({
  alias,
  name,
  description,
  links: [],
  namespace: 'http://docs.openstack.org/compute/ext/fake_xml',
  updated: '2014-12-03T00:00:00Z',
});

/** https://docs.openstack.org/api-ref/compute/#extensions-extensions-deprecated */
export const createExtensionRoutes = (_compute: Compute): readonly Route[] => [
  computeRoute({
    method: 'GET',
    path: '/extensions',
    rule: 'compute:extensions',
    handle: () => ({ status: 200, body: { extensions: EXTENSIONS.map(render) } }),
  }),
  computeRoute({
    method: 'GET',
    path: '/extensions/:alias',
    rule: 'compute:extensions',
    handle: (request) => {
      const alias = paramOf(request, 'alias');
      const found = EXTENSIONS.find(([own]) => own === alias);
      if (!found) throw notFound(`There is no extension ${alias} here.`);
      return { status: 200, body: { extension: render(found) } };
    },
  }),
];
