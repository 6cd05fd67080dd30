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
  prepare:
    async (_cloud, { places: { project } }) =>
    (path) =>
      path
        .replace('/flavors/:id', '/flavors/none')
        .replace(':key', 'none')
        .replace(':name', 'none')
        .replace(':project', project)
        .replace(':class', 'default'),
});
