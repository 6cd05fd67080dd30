import { startEtcd, type EtcdServer } from '@etcd-compute/testing/etcd-server';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { addUser, openCloud, type Answer, type Cloud } from './a-cloud.js';

/** What the paths of the table are filled with. */
interface Places {
  /** Of the member. */
  readonly user: string;
  readonly project: string;
}

interface IsolationOptions {
  /** Of the service. */
  readonly path: string;
  /**
   * Who may do what, for every route that there is: one that is not in the table fails. The callers are `a`n admin, a `m`ember of a project,
   * a `r`eader of it, a member of an`o`ther one, `n`obody, and one whose token has `e`xpired.
   */
  readonly table: Readonly<Record<string, string>>;
  /** Makes what the paths need. @returns the path of a route with the names of its parts filled in. */
  readonly prepare: (
    cloud: Cloud,
    options: { readonly admin: string; readonly member: string; readonly places: Places },
  ) => Promise<(path: string) => string>;
  /** Of a route that stands there more than once, the one that is asked. */
  readonly isAsked?: (path: string) => boolean;
}

/** Tests each route of a service with each kind of caller. */
export const testIsolation = ({ path: servicePath, table, prepare, isAsked = () => true }: IsolationOptions): void => {
  let etcd: EtcdServer;
  let cloud: Cloud;
  let fill: (path: string) => string;
  const tokens = new Map<string, string | undefined>();

  beforeAll(async () => {
    etcd = await startEtcd();
    cloud = await openCloud(etcd);
    const admin = await cloud.logIn('admin', 'admin');
    const user = await addUser(cloud, { admin, name: 'member', project: 'ours', role: 'member' });
    await addUser(cloud, { admin, name: 'reader', project: 'ours', role: 'reader' });
    await addUser(cloud, { admin, name: 'other', project: 'theirs', role: 'member' });
    const project = (await cloud.ask('GET /v3/projects?name=ours', { token: admin })).body.projects[0].id;
    tokens.set('a', admin);
    tokens.set('m', await cloud.logIn('member', 'ours'));
    tokens.set('r', await cloud.logIn('reader', 'ours'));
    tokens.set('o', await cloud.logIn('other', 'theirs'));
    tokens.set('e', await issueExpired(cloud));
    fill = await prepare(cloud, { admin, member: tokens.get('m') ?? '', places: { user, project } });
  });
  afterAll(async () => {
    await cloud[Symbol.asyncDispose]();
    await etcd.stop();
  });

  test('each route is in the table', () => {
    const routes = cloud.services.find(({ path }) => path === servicePath)?.routes ?? [];
    const names = routes.filter(({ path }) => isAsked(path)).map(({ method, path }) => `${method} ${path}`);
    expect(names.toSorted()).toEqual(Object.keys(table).toSorted());
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
    test.each(Object.entries(table))('%s: %s', async (request, allowed) => {
      const [method = '', path = ''] = request.split(' ');
      const isAboutToken = path === '/v3/auth/tokens' && method !== 'POST';
      const answer = await cloud.askAt(servicePath)(`${method} ${fill(path)}`, {
        token: tokens.get(who),
        // A token of the member that nobody needs.
        ...(isAboutToken && { subject: await cloud.logIn('member', 'ours') }),
        ...(['POST', 'PATCH', 'PUT'].includes(method) && { body: {} }),
      });
      expect(isLetIn(answer) ? 'let in' : answer.status).toBe(allowed.includes(who) ? 'let in' : status);
    });
  });
};

const issueExpired = async ({ identity: { store, tokens, now } }: Cloud): Promise<string> => {
  const user = store.view().named('user', 'admin', 'default');
  const project = store.view().named('project', 'admin', 'default');
  return tokens.issue({
    version: 1,
    user: user?.id ?? '',
    epoch: user?.epoch ?? 0,
    methods: ['password'],
    scope: { type: 'project', id: project?.id ?? '', epoch: 0 },
    issued_at: now() - 2,
    expires_at: now() - 1,
    audit_ids: ['x'],
  });
};

const isLetIn = ({ status, body }: Answer): boolean =>
  status !== 401 &&
  !(status === 403 && (body === undefined || JSON.stringify(body).includes('You are not authorized')));
