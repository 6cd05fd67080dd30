import { startEtcd, type EtcdServer } from '@etcd-compute/testing/etcd-server';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { addUser, openCloud, type Answer, type Cloud } from '../a-cloud.js';

/**
 * Who may do what, for every route that there is: one that is not in the table fails. The callers are `a`n admin, a `m`ember of a project,
 * a `r`eader of it, a member of an`o`ther one, `n`obody, and one whose token has `e`xpired. Of the paths, users are the member, and projects
 * his project.
 */
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

let etcd: EtcdServer;
let cloud: Cloud;
const tokens = new Map<string, string | undefined>();
const ids = { user: '', project: '', role: '', group: '' };

beforeAll(async () => {
  etcd = await startEtcd();
  cloud = await openCloud(etcd);
  const admin = await cloud.logIn('admin', 'admin');
  ids.user = await addUser(cloud, { admin, name: 'member', project: 'ours', role: 'member' });
  await addUser(cloud, { admin, name: 'reader', project: 'ours', role: 'reader' });
  await addUser(cloud, { admin, name: 'other', project: 'theirs', role: 'member' });
  ids.project = (await cloud.ask('GET /v3/projects?name=ours', { token: admin })).body.projects[0].id;
  ids.role = (await cloud.ask('GET /v3/roles?name=reader', { token: admin })).body.roles[0].id;
  ids.group = (await cloud.ask('POST /v3/groups', { token: admin, body: { group: { name: 'ops' } } })).body.group.id;
  tokens.set('a', admin);
  tokens.set('m', await cloud.logIn('member', 'ours'));
  tokens.set('r', await cloud.logIn('reader', 'ours'));
  tokens.set('o', await cloud.logIn('other', 'theirs'));
  const { store, tokens: issued, now } = cloud.identity;
  const user = store.view().named('user', 'admin', 'default');
  const project = store.view().named('project', 'admin', 'default');
  const expired = await issued.issue({
    version: 1,
    user: user?.id ?? '',
    epoch: user?.epoch ?? 0,
    methods: ['password'],
    scope: { type: 'project', id: project?.id ?? '', epoch: 0 },
    issued_at: now() - 2,
    expires_at: now() - 1,
    audit_ids: ['x'],
  });
  tokens.set('e', expired);
});
afterAll(async () => {
  await cloud[Symbol.asyncDispose]();
  await etcd.stop();
});

const fill = (path: string): string =>
  path
    .replace('/users/:id', `/users/${ids.user}`)
    .replace('/projects/:id', `/projects/${ids.project}`)
    .replace('/domains/:id', '/domains/default')
    .replace('/roles/:id', `/roles/${ids.role}`)
    .replace('/groups/:id', `/groups/${ids.group}`)
    .replace(':id', 'RegionOne')
    .replace('/projects/:target', `/projects/${ids.project}`)
    .replace('/domains/:target', '/domains/default')
    .replace('/users/:actor', `/users/${ids.user}`)
    .replace('/groups/:actor', `/groups/${ids.group}`)
    .replace(':user', ids.user)
    .replace(':role', ids.role)
    .replace(':credential', 'none');

const isLetIn = ({ status, body }: Answer): boolean =>
  status !== 401 &&
  !(status === 403 && (body === undefined || body.error.message.startsWith('You are not authorized')));

test('each route is in the table', () => {
  expect(cloud.service.routes.map(({ method, path }) => `${method} ${path}`).toSorted()).toEqual(
    Object.keys(TABLE).toSorted(),
  );
});

// The admin comes last: he is let in, and breaks things.
describe.each([
  ['n', 401],
  ['e', 401],
  ['o', 403],
  ['r', 403],
  ['m', 403],
  ['a', 403],
] as const)('%s', (who, status) => {
  test.each(Object.entries(TABLE))('%s: %s', async (request, allowed) => {
    const [method = '', path = ''] = request.split(' ');
    const isAboutToken = path === '/v3/auth/tokens' && method !== 'POST';
    const answer = await cloud.ask(`${method} ${fill(path)}`, {
      token: tokens.get(who),
      // A token of the member that nobody needs.
      ...(isAboutToken && { subject: await cloud.logIn('member', 'ours') }),
      ...(['POST', 'PATCH'].includes(method) && { body: {} }),
    });
    expect(isLetIn(answer) ? 'let in' : answer.status).toBe(allowed.includes(who) ? 'let in' : status);
  });
});
