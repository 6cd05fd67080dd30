import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readTokens } from '@etcd-compute/placement/server/tokens';
import { makeTempDir } from '@etcd-compute/testing/temp-dir';
import { expect, test } from 'vitest';

const readText = async (text: string): ReturnType<typeof readTokens> => {
  await using dir = await makeTempDir('tokens');
  const path = join(dir.path, 'tokens.yaml');
  await writeFile(path, text);
  return await readTokens(path);
};

const SECRET = 'a-token-that-is-long-enough';

test('a token tells whose it is, plain or by its hash; no other does', async () => {
  const sha256 = createHash('sha256').update('of-the-whole-system').digest('hex');
  const authenticate = await readText(`tokens:
  - {token: ${SECRET}, user: nova, project: service, roles: [service, reader]}
  - {sha256: ${sha256}, user: operator, system: all, roles: [admin]}
`);
  expect(authenticate({ 'x-auth-token': SECRET })).toEqual({
    userId: 'nova',
    projectId: 'service',
    roles: ['service', 'reader'],
    systemScope: undefined,
  });
  expect(authenticate({ 'x-auth-token': 'of-the-whole-system' })).toMatchObject({
    userId: 'operator',
    projectId: undefined,
    systemScope: 'all',
  });
  for (const token of ['', 'admin', sha256, `${SECRET} `])
    expect(authenticate({ 'x-auth-token': token })).toBeUndefined();
  expect(authenticate({ 'x-roles': 'admin' })).toBeUndefined();
});

test('what a request says of itself besides its token changes nothing', async () => {
  const authenticate = await readText(`tokens: [{token: ${SECRET}, user: nova, project: service}]`);
  const headers = {
    'x-auth-token': SECRET,
    'x-roles': 'admin',
    'openstack-system-scope': 'all',
    'x-project-id': 'other',
  };
  expect(authenticate(headers)).toEqual({ userId: 'nova', projectId: 'service', roles: [], systemScope: undefined });
});

test.each([
  ['tokens: []', 'tokens: Too small'],
  ['tokens: [{token: short, user: a}]', 'expected at least 16 characters'],
  [`tokens: [{token: ${SECRET}}]`, 'tokens.0.user'],
  ['tokens: [{user: a}]', 'expected either token or sha256'],
  ['tokens: [{sha256: abc, user: a}]', 'expected 64 hexadecimal digits'],
  [`tokens: [{token: ${SECRET}, user: a, project: p, system: all}]`, 'not for both'],
  [`tokens: [{token: ${SECRET}, user: a, role: admin}]`, 'tokens.0.role: unknown key'],
])('%s is refused, and no token is repeated', async (text, said) => {
  const refused: unknown = await readText(text).catch((err: unknown) => err);
  expect(String(refused)).toContain(said);
  expect(JSON.stringify(refused) + String(refused)).not.toMatch(new RegExp(`${SECRET}|"short"`));
});
