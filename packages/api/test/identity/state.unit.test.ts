import { listAbout } from '@etcd-compute/api/identity/engine/remove';
import { rolesOf } from '@etcd-compute/api/identity/engine/roles-of';
import { createSecret, hashPassword, hashSecret, isPassword } from '@etcd-compute/api/identity/passwords/hash';
import { planBootstrap } from '@etcd-compute/api/bootstrap/plan-bootstrap';
import { createDraft } from '@etcd-compute/api/state/draft';
import type { Draft } from '@etcd-compute/api/identity/state/draft';
import { IDENTITY_KINDS } from '@etcd-compute/api/identity/state/entities';
import { IdentityIndex } from '@etcd-compute/api/identity/state/identity-index';
import { expect, test } from 'vitest';

/** After a first bootstrap. */
const anIndex = () => {
  const index = new IdentityIndex();
  const apply = (plan: (draft: Draft) => void): void => {
    const draft = createDraft(IDENTITY_KINDS, index);
    plan(draft);
    for (const { kind, id, value } of draft.writes()) index.apply({ key: `${kind}/${id}`, value });
  };
  apply((draft) => planBootstrap(draft, { hash: 'x', isForced: false }));
  return { index, apply };
};

test('bootstrap twice is bootstrap once; a password that is given counts', () => {
  const { index, apply } = anIndex();
  const before = ['domain', 'project', 'user', 'role', 'assignment', 'password'] as const;
  const state = () => JSON.stringify(before.map((kind) => index.list(kind)));
  const first = state();
  apply((draft) => planBootstrap(draft, { hash: 'y', isForced: false }));
  expect(state()).toBe(first);
  apply((draft) => planBootstrap(draft, { hash: 'y', isForced: true }));
  expect(index.list('password')).toMatchObject([{ hash: 'y' }]);
  expect(index.list('user')).toMatchObject([{ epoch: 1 }]);
});

test('roles come from groups too, with those that they imply, even in a circle', () => {
  const { index, apply } = anIndex();
  const [reader, member] = [index.named('role', 'reader'), index.named('role', 'member')];
  if (!reader || !member) throw new Error('no roles');
  apply((draft) => {
    draft.put('role', { ...reader, implies: [member.id] });
    draft.put('group', { version: 1, id: 'g', domain: 'default', name: 'g', description: '', extra: {} });
    draft.put('membership', { version: 1, group: 'g', user: 'u' });
    draft.put('assignment', {
      version: 1,
      actor: 'group',
      actor_id: 'g',
      target: 'project',
      target_id: 'p',
      role: member.id,
    });
  });
  expect(rolesOf(index, 'u', { type: 'project', id: 'p' }).map(({ name }) => name)).toEqual(['member', 'reader']);
  expect(rolesOf(index, 'u', { type: 'project', id: 'other' })).toEqual([]);
});

test('a domain goes with all that is in it, and with what is about that', () => {
  const { index } = anIndex();
  const kinds = listAbout(index, { kind: 'domain', id: 'default' }).map(({ kind }) => kind);
  expect(kinds).toEqual(['project', 'user', 'password', 'assignment', 'assignment', 'assignment']);
});

test('a name is free again when its record gets another one', () => {
  const { index, apply } = anIndex();
  const project = index.named('project', 'admin', 'default');
  if (!project) throw new Error('no project');
  apply((draft) => draft.put('project', { ...project, name: 'renamed' }));
  expect(index.named('project', 'admin', 'default')).toBeUndefined();
  expect(index.named('project', 'renamed', 'default')?.id).toBe(project.id);
});

test('what cannot be read, or lies about its key, counts as not there', () => {
  const bad: string[] = [];
  const index = new IdentityIndex(({ key }) => bad.push(key));
  index.apply({ key: 'user/a', value: '{' });
  index.apply({ key: 'membership/g/u', value: JSON.stringify({ version: 1, group: 'g', user: 'other' }) });
  index.apply({ key: 'password/u', value: JSON.stringify({ version: 2, user: 'u', hash: '' }) });
  index.apply({ key: 'changes', value: '' });
  expect(bad).toEqual(['user/a', 'membership/g/u', 'password/u']);
});

test('passwords and secrets are recognized by what is kept of them', async () => {
  const hash = await hashPassword('pässword');
  expect(hash).not.toContain('pässword');
  expect(await Promise.all(['pässword', 'password'].map(async (text) => isPassword(text, hash)))).toEqual([
    true,
    false,
  ]);
  expect(await Promise.all(['secret', 'other'].map(async (text) => isPassword(text, hashSecret('secret'))))).toEqual([
    true,
    false,
  ]);
  expect(await isPassword('x', undefined)).toBe(false);
});

test('a secret that is made is no option where it is typed', () => {
  const secrets = Array.from({ length: 1000 }, createSecret);
  expect(secrets.filter((secret) => !/^\w[\w-]{42}$/.test(secret))).toEqual([]);
});
