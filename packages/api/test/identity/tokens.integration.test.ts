import { startEtcd, type EtcdServer } from '@etcd-compute/testing/etcd-server';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { addUser, openCloud, PASSWORD, type Cloud } from '../a-cloud.js';

/** Tokens, of two servers on one etcd: what one of them changes, the other goes by at once. */
let etcd: EtcdServer;
let one: Cloud;
let two: Cloud;
let admin: string;
beforeAll(async () => {
  etcd = await startEtcd();
  one = await openCloud(etcd, '/shared');
  two = await openCloud(etcd, '/shared');
  admin = await one.logIn('admin', 'admin');
});
afterAll(async () => {
  await one[Symbol.asyncDispose]();
  await two[Symbol.asyncDispose]();
  await etcd.stop();
});

let count = 0;
/** A member of a project of his own. */
const makeMember = async (): Promise<{ id: string; name: string; project: string; token: string }> => {
  count += 1;
  const [name, project] = [`user${count}`, `project${count}`];
  const id = await addUser(one, { admin, name, project, role: 'member' });
  return { id, name, project, token: await one.logIn(name, project) };
};

const isGood = async (cloud: Cloud, token: string): Promise<boolean> =>
  (await cloud.ask('GET /v3/auth/projects', { token })).status === 200;

const projectId = async (name: string): Promise<string> =>
  (await one.ask(`GET /v3/projects?name=${name}`, { token: admin })).body.projects[0].id;

test('a token ends at once everywhere when it is revoked', async () => {
  const { token } = await makeMember();
  expect(await isGood(two, token)).toBe(true);
  expect((await one.ask('DELETE /v3/auth/tokens', { token, subject: token })).status).toBe(204);
  expect(await isGood(two, token)).toBe(false);
});

test.each<[string, (member: Awaited<ReturnType<typeof makeMember>>) => Promise<{ status: number }>]>([
  [
    'the password is changed',
    async ({ id }) =>
      one.ask(`POST /v3/users/${id}/password`, { body: { user: { original_password: PASSWORD, password: 'next' } } }),
  ],
  [
    'an admin sets another password',
    async ({ id }) => one.ask(`PATCH /v3/users/${id}`, { token: admin, body: { user: { password: 'next' } } }),
  ],
  [
    'the user is disabled',
    async ({ id }) => one.ask(`PATCH /v3/users/${id}`, { token: admin, body: { user: { enabled: false } } }),
  ],
  ['the user is deleted', async ({ id }) => one.ask(`DELETE /v3/users/${id}`, { token: admin })],
  [
    'the project is disabled',
    async ({ project }) =>
      one.ask(`PATCH /v3/projects/${await projectId(project)}`, {
        token: admin,
        body: { project: { enabled: false } },
      }),
  ],
  [
    'the project is deleted',
    async ({ project }) => one.ask(`DELETE /v3/projects/${await projectId(project)}`, { token: admin }),
  ],
  [
    'the last role is taken away',
    async ({ id, project }) => {
      const role = (await one.ask('GET /v3/roles?name=member', { token: admin })).body.roles[0].id;
      return one.ask(`DELETE /v3/projects/${await projectId(project)}/users/${id}/roles/${role}`, { token: admin });
    },
  ],
])('a token ends at once everywhere when %s', async (_, change) => {
  const member = await makeMember();
  expect(await isGood(two, member.token)).toBe(true);
  expect((await change(member)).status).toBeLessThan(300);
  expect(await isGood(two, member.token)).toBe(false);
  expect(await isGood(one, member.token)).toBe(false);
});

test('a token of before does not come back with the user', async () => {
  const { id, token } = await makeMember();
  for (const enabled of [false, true])
    await one.ask(`PATCH /v3/users/${id}`, { token: admin, body: { user: { enabled } } });
  expect(await isGood(two, token)).toBe(false);
});

test('a token that is made from another one ends with it, and leads to the same first one', async () => {
  const { name, project } = await makeMember();
  const first = await one.logIn(name);
  const parent = (await one.ask('GET /v3/auth/tokens', { token: first, subject: first })).body.token;
  const auth = {
    identity: { methods: ['token'], token: { id: first } },
    scope: { project: { name: project, domain: { name: 'Default' } } },
  };
  const { status, body } = await two.ask('POST /v3/auth/tokens', { body: { auth } });
  expect(status).toBe(201);
  expect(body.token).toMatchObject({
    project: { name: project },
    roles: [{ name: 'member' }, { name: 'reader' }],
    methods: ['token', 'password'],
  });
  expect(body.token.expires_at).toBe(parent.expires_at);
  expect(body.token.audit_ids[1]).toBe(parent.audit_ids[0]);
});

test('nobody is told whether it is the user, the password or the project that is wrong', async () => {
  const { name } = await makeMember();
  const attempt = async (user: string, password: string, project?: string) => {
    const domain = { id: 'default' };
    const identity = { methods: ['password'], password: { user: { name: user, domain, password } } };
    const scope = project === undefined ? undefined : { project: { name: project, domain } };
    return (await one.ask('POST /v3/auth/tokens', { body: { auth: { identity, ...(scope && { scope }) } } })).body;
  };
  const wrong = await attempt(name, 'wrong');
  expect(wrong.error.code).toBe(401);
  expect(await attempt('nobody', 'wrong')).toEqual(wrong);
  expect(await attempt(name, PASSWORD, 'admin')).toEqual(wrong);
});

test('who fails too often waits, whether there is such a user or not, and others do not', async () => {
  const attempt = async (user: string, password: string) =>
    one.ask('POST /v3/auth/tokens', {
      body: {
        auth: {
          identity: { methods: ['password'], password: { user: { name: user, domain: { id: 'default' }, password } } },
        },
      },
    });
  const statuses: number[] = [];
  // On a slow machine some more are free meanwhile.
  while (statuses.at(-1) !== 429 && statuses.length < 40) statuses.push((await attempt('guessed', 'wrong')).status);
  expect(statuses.slice(0, 10)).toEqual(Array.from({ length: 10 }, () => 401));
  expect(statuses.at(-1)).toBe(429);
  const { name } = await makeMember();
  expect((await attempt(name, PASSWORD)).status).toBe(201);
});

test('an application credential: its roles, its end, and what it may not', async () => {
  const { id, token } = await makeMember();
  const path = `/v3/users/${id}/application_credentials`;
  const make = async (fields: object, by = token) =>
    one.ask(`POST ${path}`, { token: by, body: { application_credential: { name: 'robot', ...fields } } });
  expect((await make({ roles: [{ name: 'admin' }] })).status).toBe(400);
  const { body } = await make({ roles: [{ name: 'reader' }] });
  const { id: credential, secret } = body.application_credential;
  expect((await make({})).status).toBe(409);

  const identity = { methods: ['application_credential'], application_credential: { id: credential, secret } };
  const issued = await two.ask('POST /v3/auth/tokens', { body: { auth: { identity } } });
  expect(issued.body.token).toMatchObject({
    roles: [{ name: 'reader' }],
    application_credential: { restricted: true },
  });
  const robot = issued.header('x-subject-token') ?? '';
  expect((await make({ name: 'another' }, robot)).status).toBe(403);
  const rescoped = await two.ask('POST /v3/auth/tokens', {
    body: { auth: { identity: { methods: ['token'], token: { id: robot } } } },
  });
  expect(rescoped.status).toBe(403);

  expect(JSON.stringify((await one.ask(`GET ${path}`, { token })).body)).not.toContain(secret);
  expect((await one.ask(`DELETE ${path}/${credential}`, { token })).status).toBe(204);
  expect(await isGood(two, robot)).toBe(false);
});

test('of names that many take at once, each is had once', async () => {
  const body = { project: { name: 'wanted' } };
  const clouds = Array.from({ length: 8 }, (_, index) => (index % 2 === 0 ? one : two));
  const statuses = await Promise.all(
    clouds.map(async ({ ask }) => (await ask('POST /v3/projects', { token: admin, body })).status),
  );
  expect(statuses.toSorted((a, b) => a - b)).toEqual([201, ...Array.from({ length: 7 }, () => 409)]);
});

test('what is deleted leaves nothing behind', async () => {
  const { body } = await one.ask('POST /v3/domains', { token: admin, body: { domain: { name: 'short' } } });
  const { id } = body.domain;
  const make = async (kind: string, one_: string, fields: object) =>
    (await one.ask(`POST /v3/${kind}`, { token: admin, body: { [one_]: { name: 'it', domain_id: id, ...fields } } }))
      .body[one_].id;
  const [user, project, group] = [
    await make('users', 'user', { password: 'x' }),
    await make('projects', 'project', {}),
    await make('groups', 'group', {}),
  ];
  const role = (await one.ask('GET /v3/roles?name=member', { token: admin })).body.roles[0].id;
  for (const path of [
    `groups/${group}/users/${user}`,
    `projects/${project}/users/${user}/roles/${role}`,
    `domains/${id}/groups/${group}/roles/${role}`,
  ])
    expect((await one.ask(`PUT /v3/${path}`, { token: admin })).status).toBe(204);
  expect((await one.ask(`DELETE /v3/domains/${id}`, { token: admin })).status).toBe(403);
  await one.ask(`PATCH /v3/domains/${id}`, { token: admin, body: { domain: { enabled: false } } });
  expect((await two.ask(`DELETE /v3/domains/${id}`, { token: admin })).status).toBe(204);
  const { view } = one.identity.store;
  await one.identity.store.look();
  const kinds = ['user', 'password', 'project', 'group', 'membership', 'assignment'] as const;
  const left = kinds.flatMap((kind) => view().list(kind)).map((record) => JSON.stringify(record));
  expect(left.filter((text) => [id, user, project, group].some((gone) => text.includes(gone)))).toEqual([]);
});

test('a token is validated by two looks at etcd: who asks, and about whom', async () => {
  const token = await one.logIn('admin', 'admin');
  const look = vi.spyOn(one.identity.store, 'look');
  expect(await one.ask('GET /v3/auth/tokens', { token, subject: token })).toMatchObject({ status: 200 });
  expect(look).toHaveBeenCalledTimes(2);
  look.mockRestore();
});
