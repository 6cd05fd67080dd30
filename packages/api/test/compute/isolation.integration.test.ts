import { testIsolation } from '../isolation.js';

const VERSIONED: Readonly<Record<string, string>> = {
  'GET /flavors': 'amro',
  'GET /flavors/detail': 'amro',
  'POST /flavors': 'a',
  'GET /flavors/:id': 'amro',
  'PUT /flavors/:id': 'a',
  'DELETE /flavors/:id': 'a',
  'GET /flavors/:id/os-flavor-access': 'a',
  'POST /flavors/:id/action': 'a',
  'GET /flavors/:id/os-extra_specs': 'amro',
  'POST /flavors/:id/os-extra_specs': 'a',
  'GET /flavors/:id/os-extra_specs/:key': 'amro',
  'PUT /flavors/:id/os-extra_specs/:key': 'a',
  'DELETE /flavors/:id/os-extra_specs/:key': 'a',
  // Everybody's are his own.
  'GET /os-keypairs': 'amro',
  'POST /os-keypairs': 'amro',
  'GET /os-keypairs/:name': 'amro',
  'DELETE /os-keypairs/:name': 'amro',
  'GET /os-quota-sets/:project': 'amr',
  'GET /os-quota-sets/:project/defaults': 'amr',
  'GET /os-quota-sets/:project/detail': 'amr',
  'PUT /os-quota-sets/:project': 'a',
  'DELETE /os-quota-sets/:project': 'a',
  'GET /os-quota-class-sets/:class': 'a',
  'PUT /os-quota-class-sets/:class': 'a',
  'GET /limits': 'amro',
  'GET /os-server-groups': 'amro',
  'POST /os-server-groups': 'amo',
  'GET /os-server-groups/:id': 'amr',
  'DELETE /os-server-groups/:id': 'am',
  'GET /os-aggregates': 'a',
  'POST /os-aggregates': 'a',
  'GET /os-aggregates/:id': 'a',
  'PUT /os-aggregates/:id': 'a',
  'DELETE /os-aggregates/:id': 'a',
  'POST /os-aggregates/:id/action': 'a',
  'GET /os-availability-zone': 'amro',
  'GET /os-availability-zone/detail': 'a',
};

const TABLE: Readonly<Record<string, string>> = {
  'GET ': 'amrone',
  'GET /v2.1': 'amrone',
  'GET /v2': 'amrone',
  ...Object.fromEntries(
    Object.entries(VERSIONED).map(([request, allowed]) => [request.replace(' ', ' /v2.1'), allowed]),
  ),
};

testIsolation({
  path: '/compute',
  table: TABLE,
  // The same as in /v2.1.
  isAsked: (path) => !path.startsWith('/v2/'),
  prepare: async (cloud, { member, places: { project } }) => {
    const body = { server_group: { name: 'web', policies: ['affinity'] } };
    const made = await cloud.askAt('/compute/v2.1')('POST /os-server-groups', { token: member, body });
    return (path) =>
      path
        .replace('/flavors/:id', '/flavors/none')
        .replace('/os-server-groups/:id', `/os-server-groups/${made.body.server_group.id}`)
        .replace('/os-aggregates/:id', '/os-aggregates/1')
        .replace(':key', 'none')
        .replace(':name', 'none')
        .replace(':project', project)
        .replace(':class', 'default');
  },
});
