import { startEtcd, type EtcdServer } from '@etcd-compute/testing/etcd-server';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { addUser, openCloud, type Answer, type Cloud } from '../a-cloud.js';

/** Who sees which images, and in which lists. */
let etcd: EtcdServer;
let cloud: Cloud;
const tokens = { admin: '', ours: '', theirs: '' };
const projects = { ours: '', theirs: '' };
type Who = keyof typeof tokens;
beforeAll(async () => {
  etcd = await startEtcd();
  cloud = await openCloud(etcd);
  tokens.admin = await cloud.logIn('admin', 'admin');
  for (const project of ['ours', 'theirs'] as const) {
    await addUser(cloud, { admin: tokens.admin, name: project, project, role: 'member' });
    tokens[project] = await cloud.logIn(project, project);
    const { body } = await cloud.ask(`GET /v3/projects?name=${project}`, { token: tokens.admin });
    projects[project] = body.projects[0].id;
  }
});
afterAll(async () => {
  await cloud[Symbol.asyncDispose]();
  await etcd.stop();
});

const ask = async (who: Who, request: string, body?: unknown): Promise<Answer> =>
  cloud.askAt('/image')(request.replace(' ', ' /v2/'), { token: tokens[who], body });
const create = async (who: Who, image: Readonly<Record<string, unknown>>): Promise<string> =>
  (await ask(who, 'POST images', image)).body.id;
const listed = async (who: Who, query: string): Promise<string[]> =>
  (await ask(who, `GET images?${query}`)).body.images.map(({ name }: { name: string }) => name);

test('an image is shared with a project, which accepts it', async () => {
  const id = await create('ours', { name: 'for you' });
  const members = `images/${id}/members`;
  expect((await ask('theirs', `GET images/${id}`)).status).toBe(404);
  expect((await ask('theirs', `GET ${members}`)).status).toBe(404);
  const added = await ask('ours', `POST ${members}`, { member: projects.theirs });
  expect([added.status, added.body]).toEqual([200, expect.objectContaining({ image_id: id, status: 'pending' })]);
  expect((await ask('ours', `POST ${members}`, { member: projects.theirs })).status).toBe(409);

  expect((await ask('theirs', `GET images/${id}`)).status).toBe(200);
  expect(await listed('theirs', 'name=for+you')).toEqual([]);
  expect(await listed('theirs', 'visibility=shared&member_status=pending')).toEqual(['for you']);
  expect((await ask('ours', `PUT ${members}/${projects.theirs}`, { status: 'accepted' })).status).toBe(403);
  const accepted = { status: 'accepted', member: projects.theirs };
  expect((await ask('theirs', `PUT ${members}/${projects.theirs}`, accepted)).status).toBe(200);
  expect(await listed('theirs', 'name=for+you')).toEqual(['for you']);
  expect((await ask('theirs', `DELETE images/${id}`)).status).toBe(403);
  expect((await ask('theirs', `GET ${members}`)).body.members).toHaveLength(1);

  expect((await ask('ours', `DELETE ${members}/${projects.theirs}`)).status).toBe(204);
  expect((await ask('theirs', `GET images/${id}`)).status).toBe(404);
  const closed = await create('ours', { name: 'private', visibility: 'private' });
  expect((await ask('ours', `POST images/${closed}/members`, { member: projects.theirs })).status).toBe(403);
});

test('what is public is seen by all, and made so by admins; of the community’s images one must know', async () => {
  expect((await ask('ours', 'POST images', { visibility: 'public' })).status).toBe(403);
  await create('admin', { name: 'for all', visibility: 'public' });
  expect(await listed('theirs', 'name=for+all')).toEqual(['for all']);
  const id = await create('ours', { name: 'of us', visibility: 'community' });
  expect(await listed('theirs', 'name=of+us')).toEqual([]);
  expect(await listed('theirs', 'name=of+us&visibility=community')).toEqual(['of us']);
  expect((await ask('theirs', `GET images/${id}`)).status).toBe(200);
  expect((await ask('ours', 'POST images', { owner: projects.theirs })).status).toBe(403);
});

test('what is hidden is in no list that does not ask for it, and what is protected stays', async () => {
  const id = await create('ours', { name: 'old', os_hidden: true, protected: true });
  expect(await listed('ours', 'name=old')).toEqual([]);
  expect(await listed('ours', 'name=old&os_hidden=true')).toEqual(['old']);
  expect((await ask('ours', `DELETE images/${id}`)).body.message).toContain('is protected');
});

test('lists come in pages, in any order', async () => {
  const names = ['p-1', 'p-2', 'p-3', 'p-4', 'p-5'];
  for (const name of names) await create('ours', { name, tags: ['paged'] });
  expect(await listed('ours', 'tag=paged')).toEqual(names.toReversed());
  expect(await listed('ours', 'tag=paged&sort=name:asc')).toEqual(names);
  const seen: string[] = [];
  let path: string | undefined = '/v2/images?tag=paged&sort_key=name&sort_dir=asc&limit=2';
  while (path !== undefined) {
    const { body }: Answer = await cloud.askAt('/image')(`GET ${path}`, { token: tokens.ours });
    expect(body.first).toBe('/v2/images?tag=paged&sort_key=name&sort_dir=asc&limit=2');
    seen.push(...body.images.map(({ name }: { name: string }) => name));
    path = body.next;
  }
  expect(seen).toEqual(names);
  expect((await ask('ours', 'GET images?marker=none')).status).toBe(400);
  expect((await ask('ours', 'GET images/')).status).toBe(404);
});

test('what nobody may say of an image is refused, by its name', async () => {
  const cases = [
    [{ status: 'active' }, 403, 'status'],
    [{ os_glance_x: '1' }, 403, 'os_glance_x'],
    [{ locations: [] }, 403, 'locations'],
    [{ disk_format: 'vmdk' }, 400, 'disk_format'],
    [{ min_ram: -1 }, 400, 'min_ram'],
    [{ answer: 42 }, 400, 'answer'],
    [{ id: '1' }, 400, 'id'],
  ] as const;
  for (const [body, status, name] of cases) {
    const answer = await ask('ours', 'POST images', body);
    expect([answer.status, answer.body.message]).toEqual([status, expect.stringContaining(name)]);
  }
});
