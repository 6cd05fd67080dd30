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
  prepare: async () => (path) => path.replace('/flavors/:id', '/flavors/none').replace(':key', 'none'),
});
