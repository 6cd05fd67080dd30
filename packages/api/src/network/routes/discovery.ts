import { paramOf, PUBLIC, type Route } from '../../http/route.js';
import { missing } from '../network-error.js';
import type { Network } from '../network.js';

/** What is there, as https://docs.openstack.org/api-ref/network/v2/#api-versions tells it. */

const RESOURCES = [
  ['network', 'networks'],
  ['subnet', 'subnets'],
  ['port', 'ports'],
  ['security-group', 'security-groups'],
  ['security-group-rule', 'security-group-rules'],
  ['quota', 'quotas'],
] as const;

/** Attributes and resources beyond the core. What they add can be read; what of it can be written, routes tell. */
const EXTENSIONS = [
  ['binding', 'Port Binding', 'Ports tell admins the host they are on.'],
  ['external-net', 'Neutron external network', 'Networks tell whether they are external: none is.'],
  ['l2_adjacency', 'L2 Adjacency', 'Networks tell that they do not reach from host to host.'],
  ['project-id', 'project_id field enabled', 'Resources have project_id beside tenant_id.'],
  ['quotas', 'Quota management support', 'Tells what projects can have. It cannot be changed.'],
  ['quota_details', 'Quota details management support', 'Tells what projects have.'],
  ['security-group', 'security-group', 'Each project has the security group `default`. It cannot be changed.'],
  ['pagination', 'Pagination support', 'Lists come in pages.'],
  ['sorting', 'Sorting support', 'Lists can be sorted.'],
  ['ip-substring-filtering', 'IP address substring filtering', 'Ports can be found by a part of an address.'],
] as const;

/** Of the version of Neutron's API that is described. */
const UPDATED = '2018-01-01T00:00:00-00:00';

const renderExtension = ([alias, name, description]: (typeof EXTENSIONS)[number]) => ({
  alias,
  name,
  description,
  updated: UPDATED,
  links: [],
});

export const createDiscoveryRoutes = ({ url }: Pick<Network, 'url'>): readonly Route[] => [
  {
    method: 'GET',
    path: '',
    rule: PUBLIC,
    handle: () => ({
      status: 200,
      body: { versions: [{ id: 'v2.0', status: 'CURRENT', links: [{ rel: 'self', href: `${url}/` }] }] },
    }),
  },
  {
    method: 'GET',
    path: '/v2.0',
    rule: PUBLIC,
    handle: () => ({
      status: 200,
      body: {
        resources: RESOURCES.map(([name, collection]) => ({
          name,
          collection,
          links: [{ rel: 'self', href: `${url}/${collection}` }],
        })),
      },
    }),
  },
  {
    method: 'GET',
    path: '/v2.0/extensions',
    rule: 'network:get_extension',
    handle: () => ({ status: 200, body: { extensions: EXTENSIONS.map(renderExtension) } }),
  },
  {
    method: 'GET',
    path: '/v2.0/extensions/:alias',
    rule: 'network:get_extension',
    handle: (request) => {
      const alias = paramOf(request, 'alias');
      const found = EXTENSIONS.find(([known]) => known === alias);
      if (!found) throw missing('Extension', alias);
      return { status: 200, body: { extension: renderExtension(found) } };
    },
  },
];
