import { testIsolation } from '../isolation.js';

/** Of the paths, users are the member, and projects his project. */
const TABLE: Readonly<Record<string, string>> = {
  'GET ': 'amrone',
  'GET /v3': 'amrone',
  'POST /v3/auth/tokens': 'amrone',
  'GET /v3/auth/tokens': 'am',
  'DELETE /v3/auth/tokens': 'am',
  'GET /v3/auth/catalog': 'amro',
  'GET /v3/auth/projects': 'amro',
  'GET /v3/auth/domains': 'amro',
  'GET /v3/auth/system': 'amro',
  'GET /v3/regions': 'amro',
  'GET /v3/regions/:id': 'amro',
  'GET /v3/services': 'a',
  'GET /v3/services/:id': 'a',
  'GET /v3/endpoints': 'a',
  'GET /v3/endpoints/:id': 'a',
  'GET /v3/domains': 'a',
  'POST /v3/domains': 'a',
  // All are of this domain.
  'GET /v3/domains/:id': 'amro',
  'PATCH /v3/domains/:id': 'a',
  'DELETE /v3/domains/:id': 'a',
  'GET /v3/projects': 'a',
  'POST /v3/projects': 'a',
  'GET /v3/projects/:id': 'amr',
  'PATCH /v3/projects/:id': 'a',
  'DELETE /v3/projects/:id': 'a',
  'GET /v3/users': 'a',
  'POST /v3/users': 'a',
  'GET /v3/users/:id': 'am',
  'PATCH /v3/users/:id': 'a',
  'DELETE /v3/users/:id': 'a',
  'POST /v3/users/:id/password': 'amrone',
  'GET /v3/users/:id/projects': 'am',
  'GET /v3/users/:id/groups': 'am',
  'GET /v3/groups': 'a',
  'POST /v3/groups': 'a',
  'GET /v3/groups/:id': 'a',
  'PATCH /v3/groups/:id': 'a',
  'DELETE /v3/groups/:id': 'a',
  'GET /v3/groups/:id/users': 'a',
  'PUT /v3/groups/:id/users/:user': 'a',
  'HEAD /v3/groups/:id/users/:user': 'a',
  'DELETE /v3/groups/:id/users/:user': 'a',
  'GET /v3/roles': 'amro',
  'POST /v3/roles': 'a',
  'GET /v3/roles/:id': 'amro',
  'PATCH /v3/roles/:id': 'a',
  'DELETE /v3/roles/:id': 'a',
  'GET /v3/roles/:id/implies': 'a',
  'GET /v3/role_inferences': 'a',
  'GET /v3/role_assignments': 'a',
  'GET /v3/users/:id/application_credentials': 'am',
  // Nobody makes them for another, not even an admin.
  'POST /v3/users/:id/application_credentials': 'm',
  'GET /v3/users/:id/application_credentials/:credential': 'am',
  'DELETE /v3/users/:id/application_credentials/:credential': 'am',
  ...Object.fromEntries(
    ['/v3/projects/:target', '/v3/domains/:target', '/v3/system'].flatMap((target) =>
      ['/users/:actor', '/groups/:actor'].flatMap((actor) => [
        [`GET ${target}${actor}/roles`, 'a'],
        ...['PUT', 'HEAD', 'DELETE'].map((method) => [`${method} ${target}${actor}/roles/:role`, 'a']),
      ]),
    ),
  ),
};

testIsolation({
  path: '/identity',
  table: TABLE,
  prepare: async (cloud, { admin, places: { user, project } }) => {
    const role = (await cloud.ask('GET /v3/roles?name=reader', { token: admin })).body.roles[0].id;
    const group = (await cloud.ask('POST /v3/groups', { token: admin, body: { group: { name: 'ops' } } })).body.group
      .id;
    return (path) =>
      path
        .replace('/users/:id', `/users/${user}`)
        .replace('/projects/:id', `/projects/${project}`)
        .replace('/domains/:id', '/domains/default')
        .replace('/roles/:id', `/roles/${role}`)
        .replace('/groups/:id', `/groups/${group}`)
        .replace(':id', 'RegionOne')
        .replace('/projects/:target', `/projects/${project}`)
        .replace('/domains/:target', '/domains/default')
        .replace('/users/:actor', `/users/${user}`)
        .replace('/groups/:actor', `/groups/${group}`)
        .replace(':user', user)
        .replace(':role', role)
        .replace(':credential', 'none');
  },
});
