import { join } from 'node:path';
import { eapiProgram, startEapi, type EapiServer } from '@etcd-compute/testing/eapi';
import { startEtcd, type EtcdServer } from '@etcd-compute/testing/etcd-server';
import { runCommand } from '@etcd-compute/testing/run-command';
import { findCommand } from '@etcd-compute/testing/service';
import { afterAll, beforeAll, expect, test } from 'vitest';

/** OpenStack's own command line, as its users have it, with the clouds.yaml that `eapi bootstrap` writes. */
let etcd: EtcdServer;
let server: EapiServer;
let clouds: string;
beforeAll(async () => {
  etcd = await startEtcd();
  server = await startEapi({ etcd });
  clouds = join(server.dir, 'clouds.yaml');
  await runCommand([process.execPath, eapiProgram, 'bootstrap', '--config', server.configPath, '--clouds', clouds]);
});
afterAll(async () => {
  await server.stop();
  await etcd.stop();
});

const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('OS_')));

/** @returns what it prints. */
const openstack = async (
  args: readonly string[],
  access: readonly string[] = ['--os-cloud', 'admin'],
): Promise<string> =>
  (await runCommand([findCommand('openstack'), ...access, ...args], { env: { ...env, OS_CLIENT_CONFIG_FILE: clouds } }))
    .stdout;

/** `openstack project show p1` */
const ask = async (command: string): Promise<unknown> =>
  JSON.parse(await openstack([...command.split(' '), '-f', 'json']));
const tell = async (command: string): Promise<string> => openstack(command.split(' '));

test('tokens and the catalogue', async () => {
  expect(await ask('token issue')).toMatchObject({ id: expect.stringMatching(/^[\w-]{43}$/) });
  expect(await ask('catalog list')).toContainEqual(expect.objectContaining({ Name: 'eapi', Type: 'identity' }));
  expect(await ask('endpoint list --service identity')).toHaveLength(3);
});

test('projects, users, groups and roles', async () => {
  await tell('project create --description first p1');
  expect(await ask('project show p1')).toMatchObject({
    name: 'p1',
    description: 'first',
    enabled: true,
    domain_id: 'default',
  });
  await tell('user create --project p1 --password secret --email u1@example.org u1');
  expect(await ask('user show u1')).toMatchObject({ name: 'u1', email: 'u1@example.org' });
  await tell('group create ops');
  await tell('group add user ops u1');
  await tell('role create operator');
  await tell('role add --group ops --project p1 operator');
  await tell('role add --user u1 --project p1 member');
  expect(await ask('role assignment list --project p1 --effective --names --user u1')).toEqual(
    expect.arrayContaining(
      ['member', 'operator', 'reader'].map((name) =>
        expect.objectContaining({ Role: name, User: 'u1@Default', Project: 'p1@Default' }),
      ),
    ),
  );
  await tell('role remove --user u1 --project p1 member');
  await tell('user set --disable u1');
  expect(await ask('user list --long')).toContainEqual(expect.objectContaining({ Name: 'u1', Enabled: false }));
  for (const gone of ['user delete u1', 'group delete ops', 'role delete operator', 'project delete p1'])
    await tell(gone);
  expect(await ask('project list')).toMatchObject([{ Name: 'admin' }]);
  expect(await ask('role list')).toHaveLength(3);
});

test('an application credential logs in', async () => {
  const { id, secret } = JSON.parse(
    await openstack(['application', 'credential', 'create', 'robot', '--role', 'reader', '-f', 'json']),
  );
  const access = ['--os-auth-type', 'v3applicationcredential', '--os-auth-url', server.authUrl];
  const token = await openstack(
    ['token', 'issue', '-f', 'json'],
    [...access, '--os-application-credential-id', String(id), '--os-application-credential-secret', String(secret)],
  );
  expect(JSON.parse(token)).toHaveProperty('project_id');
  await tell('application credential delete robot');
  expect(await ask('application credential list')).toEqual([]);
});
