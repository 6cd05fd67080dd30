import { randomUUID } from 'node:crypto';
import { chmod, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { etcdSection } from '@etcd-compute/common/config/sections';
import { isPermissionDenied } from '@etcd-compute/common/etcd/errors';
import { createKeys } from '@etcd-compute/common/etcd/keys';
import { openStore, type Store } from '@etcd-compute/common/etcd/store';
import { newInstanceUuid, newProviderUuid, type ProviderUuid } from '@etcd-compute/common/ids';
import { eapiProgram, startEapi } from '@etcd-compute/testing/eapi';
import type { Ecompute } from '@etcd-compute/testing/ecompute';
import { runCommand } from '@etcd-compute/testing/run-command';
import { waitFor } from '@etcd-compute/testing/wait-for';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { rawImage, startWorld, type World } from '../fixtures/agent-world.js';
import { parseJson, start } from '../fixtures/eschedule-fixture.js';
import { oldRecord } from '../fixtures/version-1.js';

/** Users and roles as `eschedule etcd-roles` makes them, in a real etcd that asks who somebody is. */
const PREFIX = '/cloud1';
const keys = createKeys(PREFIX);
const host = newProviderUuid();
/** Its credentials are in wrong hands. Its agent does not run. */
const stolen = newProviderUuid();
const userOf = (uuid: ProviderUuid): string => `ecompute-cloud1-${uuid}`;
let world: World;
let folder: string;

const etcdAs = (user?: string): Record<string, unknown> => ({
  host: world.etcd.host,
  port: world.etcd.port,
  prefix: PREFIX,
  timeout: 60,
  ...(user !== undefined && { user, password_file: join(folder, user) }),
});

const eschedule = async (user: string | undefined, ...argv: string[]): ReturnType<typeof start>['finished'] => {
  const config = join(world.dir.path, `schedule-${user}.yaml`);
  const placement = world.placement.section;
  await writeFile(config, JSON.stringify({ etcd: etcdAs(user), placement, image: world.imageUrl }));
  return start([...argv, '--config', config], world.dir.path).finished;
};

const etcdctlAs = async (user: string, ...args: string[]): Promise<string> =>
  world.etcdctl(`--user=${user}:${(await readFile(join(folder, user), 'utf8')).trim()}`, ...args);

const roles = async (user: string | undefined, ...argv: string[]) =>
  eschedule(user, 'etcd-roles', '--passwords', folder, ...argv, '-o', 'json');

const statesOf = (stdout: string): Record<string, unknown> =>
  Object.fromEntries(
    [parseJson(stdout)].flat().map((view): [string, unknown] => [String(Object(view).user), Object(view).state]),
  );

beforeAll(async () => {
  world = await startWorld();
  folder = join(world.dir.path, 'etcd-passwords');
});
afterAll(async () => world[Symbol.asyncDispose]());

describe('eschedule etcd-roles', () => {
  const people = ['root', 'health', 'eschedule-cloud1', 'eapi-cloud1'];

  test('makes users and roles before etcd asks for them, with passwords that only their owner may read', async () => {
    const { code, stdout, stderr } = await roles(undefined, '--host', host, '--host', stolen);
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringContaining('`etcdctl auth enable`') });
    const all = [...people, userOf(host), userOf(stolen)];
    expect(statesOf(stdout)).toEqual(Object.fromEntries(all.map((user) => [user, 'created'])));
    expect((await readdir(folder)).toSorted()).toEqual(all.toSorted());
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
    for (const user of all) expect((await stat(join(folder, user))).mode & 0o777).toBe(0o600);
    expect(stdout).not.toContain((await readFile(join(folder, 'root'), 'utf8')).trim());
  });

  test('goes on where it was cut short, with the same password', async () => {
    const before = await readFile(join(folder, userOf(host)), 'utf8');
    await world.etcdctl('user', 'delete', userOf(host));
    const { stdout } = await roles(undefined, '--host', host);
    expect(statesOf(stdout)).toMatchObject({ [userOf(host)]: 'created', root: 'unchanged' });
    expect(await readFile(join(folder, userOf(host)), 'utf8')).toBe(before);
  });

  test('says what is wrong when authentication is off, or it is not root', async () => {
    const early = await eschedule('root', 'list');
    expect(early).toMatchObject({ code: 1, stdout: '' });
    expect(early.stderr).toContain('etcd.user is set, and etcd asks nobody who they are');
    await world.etcdctl('auth', 'enable');
    const refused = await roles('eschedule-cloud1', '--host', host);
    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(refused.stderr).toContain('could not list the users in etcd');
  });

  test('changes a role that is not as it should be, and nothing else', async () => {
    const role = userOf(stolen);
    await etcdctlAs('root', 'role', 'grant-permission', role, '--prefix=true', 'readwrite', '/');
    await etcdctlAs('root', 'role', 'revoke-permission', role, keys.audit(stolen));
    const { code, stdout, stderr } = await roles('root', '--host', host, '--host', stolen);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(statesOf(stdout)).toMatchObject({ [role]: 'changed', [userOf(host)]: 'unchanged', root: 'unchanged' });
    const permissions = await etcdctlAs('root', 'role', 'get', role);
    expect(permissions).not.toContain('[/,');
    expect(permissions).toContain(keys.audit(stolen));
  });

  test('leaves a host that has records of version 1 what it needs to move them, and says so', async () => {
    const moving = newProviderUuid();
    const instance = newInstanceUuid();
    const key = keys.location(instance);
    await etcdctlAs('root', 'put', key, JSON.stringify(oldRecord({ instance, host: moving, name: 'old' })));
    const { code, stdout, stderr } = await roles('root', '--host', moving);
    expect(code).toBe(1);
    expect(statesOf(stdout)).toMatchObject({ [userOf(moving)]: 'created' });
    expect(parseJson(stderr)).toMatchObject({
      code: 'ECOMPUTE_HOST_NOT_UPGRADED',
      hint: expect.stringContaining('upgrade and start these agents'),
    });
    await using store = await openStore(etcdSection.parse(etcdAs(userOf(moving))));
    expect((await store.get(key))?.value).toContain('"name":"old"');
    await etcdctlAs('root', 'del', key);
    expect((await roles('root', '--host', moving)).code).toBe(0);
    expect(await store.get(key).catch(isPermissionDenied)).toBe(true);
  });

  test('a folder that it cannot use is named, and nothing is made', async () => {
    const blocked = join(world.dir.path, 'blocked');
    await writeFile(blocked, '');
    await chmod(blocked, 0o600);
    const other = newProviderUuid();
    const result = await eschedule('root', 'etcd-roles', '--passwords', blocked, '--host', other);
    expect(result).toMatchObject({ code: 2, stdout: '' });
    expect(result.stderr).toContain(`could not keep a password in ${blocked}/`);
    expect(await etcdctlAs('root', 'user', 'list')).not.toContain(other);
  });
});

const startAgent = async (booted: boolean): Promise<Ecompute> =>
  world.startAgent({
    uuid: host,
    config: {
      etcd: { ...etcdAs(userOf(host)), host: world.etcdProxy.host, port: world.etcdProxy.port },
      booted,
      period: 1,
    },
  });

const operate = async (...argv: string[]): Promise<string> => {
  const { code, stdout, stderr } = await eschedule('eschedule-cloud1', ...argv);
  expect({ argv, code, stderr }).toMatchObject({ code: 0 });
  return stdout;
};

const live = async (agent: Ecompute): Promise<void> => {
  const [instance = ''] = (await operate('boot', '--name', 'web', '--memory', '64M', '-o', 'name')).split('\n');
  await writeFile(join(agent.stateDir, 'consoles', `${instance}.log`), 'hello\n');
  expect(await operate('logs', 'web')).toBe('hello\n');
  await operate('stop', 'web', '--hard');
  await operate('start', 'web');
  await operate('image', 'prefetch', world.imageUrl);
  expect(await operate('image', 'list')).toContain(world.imageUrl);
  expect(parseJson(await operate('show', 'web', '-o', 'json'))).toMatchObject({ instance, state: 'active' });
  await waitFor(async () => (await eschedule('eschedule-cloud1', 'audit')).code === 0, { what: 'nothing to be amiss' });
  await operate('destroy', 'web', '--wait');
  await operate('host', 'drain', host, '--wait');
  await operate('host', 'undrain', host);
  expect(await operate('list', '--all', '-o', 'name')).toContain(instance);
  // The name is free, and its books are closed.
  const left = await etcdctlAs('root', 'get', '--prefix', '--keys-only', PREFIX);
  expect(left).not.toMatch(/\/(ending|hosts|booted)\/|\/web$/m);
};

const tell = async (run: () => Promise<unknown>): Promise<boolean> => {
  try {
    await run();
    return true;
  } catch (err) {
    if (isPermissionDenied(err)) return false;
    throw err;
  }
};

const canWatch = async (store: Store, key: string): Promise<boolean> =>
  new Promise((resolve, reject) => {
    const stop = store.watch({ keys: [key] }, '1', {
      onChange: () => {
        stop();
        resolve(true);
      },
      onEnd: (reason) =>
        reason.includes('permission denied') ? resolve(false) : reject(new Error(`the watch ended: ${reason}`)),
    });
  });

const rightsOn = async (store: Store, key: string): Promise<string> => {
  await etcdctlAs('root', 'put', key, 'before');
  const held = { key: keys.report(stolen, newInstanceUuid()), modRevision: '0' };
  const rights = {
    read: await tell(async () => store.get(key)),
    watch: await canWatch(store, key),
    write: await tell(async () => store.txn([held], [{ op: 'put', key, value: 'after' }])),
    // A guard is a way to read.
    guess: await tell(async () => store.txn([{ key, modRevision: '1' }], [])),
    delete: await tell(async () => store.txn([held], [{ op: 'delete', key }])),
  };
  const value = (await etcdctlAs('root', 'get', '--print-value-only', key)).trim();
  expect(value).toBe(rights.delete ? '' : 'before');
  await etcdctlAs('root', 'del', key);
  return Object.entries(rights)
    .flatMap(([right, isAllowed]) => (isAllowed ? [right] : []))
    .join(' ');
};
/** What others say is not for everybody to change. */
const READ = 'read watch guess';
const ALL = 'read watch write guess delete';

describe('a stolen host', () => {
  /** One key of each kind. */
  const kindsOf = (of: ProviderUuid): Record<string, string> => {
    const instance = newInstanceUuid();
    return {
      request: keys.request(of, instance),
      report: keys.report(of, instance),
      presence: keys.agent(of),
      session: keys.session(of),
      console: keys.console(of),
      audit: keys.audit(of),
      'image report': keys.imageReport(of),
      'image downloads': keys.imageDownloads(of),
      'image wish': keys.imageWish(of, randomUUID()),
    };
  };
  const shared: Record<string, string> = {
    location: keys.location(newInstanceUuid()),
    name: keys.name('default', 'web-1'),
    ending: keys.ending(newInstanceUuid()),
    booted: keys.booted(newInstanceUuid()),
  };

  test('reaches its own keys and /booted, and nothing of another host or of the cloud', async () => {
    await using store = await openStore(etcdSection.parse(etcdAs(userOf(stolen))));
    for (const [kind, key] of Object.entries(kindsOf(stolen)))
      expect({ [kind]: await rightsOn(store, key) }).toEqual({ [kind]: ALL });
    expect(await rightsOn(store, keys.drain(stolen))).toBe(READ);
    for (const [kind, key] of [
      ...Object.entries({ ...kindsOf(host), drain: keys.drain(host) }),
      ...Object.entries(shared),
    ])
      expect({ [kind]: await rightsOn(store, key) }).toEqual({ [kind]: kind === 'booted' ? ALL : '' });
    for (const prefix of [keys.requestsOf(stolen), keys.reportsOf(stolen), keys.imagesOf(stolen)])
      expect({ prefix, isRead: await tell(async () => store.list(prefix)) }).toEqual({ prefix, isRead: true });
    for (const prefix of ['', '/', `${PREFIX}/`, keys.requests, keys.reports, keys.agents, '/other-cloud/'])
      expect({ prefix, isRead: await tell(async () => store.list(prefix)) }).toEqual({ prefix, isRead: false });
    expect(await tell(async () => store.txn([{ key: '/anything', modRevision: '0' }], []))).toBe(false);
  });

  test('with --no-booted not even /booted, and agents that do not write it want for nothing', async () => {
    const { stdout } = await roles('root', '--no-booted', '--host', host, '--host', stolen);
    expect(statesOf(stdout)).toMatchObject({ [userOf(host)]: 'changed', [userOf(stolen)]: 'changed' });
    await using store = await openStore(etcdSection.parse(etcdAs(userOf(stolen))));
    expect(await rightsOn(store, shared['booted'] ?? '')).toBe('');
    for (const booted of [false, true]) {
      await using agent = await startAgent(booted);
      await live(agent);
      const isTold = (await agent.readLog()).some(({ msg }) => msg.includes('may not write /booted/'));
      expect(isTold).toBe(booted);
    }
    const back = await roles('root', '--host', host, '--host', stolen);
    expect(statesOf(back.stdout)).toMatchObject({ [userOf(host)]: 'changed' });
  });

  test('an agent that may not read drains says so, and its host is not drained', async () => {
    await etcdctlAs('root', 'role', 'revoke-permission', userOf(host), keys.drain(host));
    await using agent = await startAgent(true);
    await agent.waitForLog('the etcd user may not read drains: this host cannot be drained');
    const { code, stderr } = await eschedule('eschedule-cloud1', 'host', 'drain', host);
    expect({ code, stderr }).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('its etcd user may not read /drains/'),
    });
    expect((await roles('root', '--host', host)).code).toBe(0);
  });

  test('a host is removed with the rights of an operator', async () => {
    await waitFor(async () => (await etcdctlAs('root', 'get', keys.agent(host))).trim() === '', { what: 'no agent' });
    await operate('host', 'remove', host);
    expect(await etcdctlAs('root', 'get', '--prefix', '--keys-only', PREFIX)).not.toContain(host);
  });

  test('cannot end the life of another agent, change users, or look into the backend', async () => {
    await using agent = await startAgent(true);
    await live(agent);
    await using root = await openStore(etcdSection.parse(etcdAs('root')));
    const lease = BigInt((await root.get(keys.agent(host)))?.lease ?? '').toString(16);
    const asThief = async (...args: string[]): Promise<string> =>
      etcdctlAs(userOf(stolen), ...args).catch((err: unknown) => String(err));
    expect(await asThief('lease', 'revoke', lease)).toContain('permission denied');
    for (const args of [
      ['user', 'list'],
      ['user', 'delete', 'root'],
      ['role', 'grant-permission', userOf(stolen), '--prefix=true', 'readwrite', '/'],
      ['user', 'grant-role', userOf(stolen), 'root'],
      ['auth', 'disable'],
    ])
      expect({ args, said: await asThief(...args) }).toEqual({
        args,
        said: expect.stringContaining('permission denied'),
      });
    expect(await etcdctlAs('root', 'get', '--keys-only', keys.agent(host))).toContain(keys.agent(host));
    expect(await agent.stop()).toEqual({ code: 0, signal: null });
  });
});

/** A server from an image, stopped and deleted. */
const liveByApi = async (endpoint: string, headers: Record<string, string>): Promise<void> => {
  const ask = async (request: string, body?: unknown) => {
    const [method = '', path = ''] = request.split(' ');
    const isFile = body instanceof Buffer;
    const type = isFile ? 'application/octet-stream' : 'application/json';
    const response = await fetch(endpoint + path, {
      method,
      headers: { ...headers, 'content-type': type },
      ...(body !== undefined && { body: isFile ? new Uint8Array(body) : JSON.stringify(body) }),
    });
    const text = await response.text();
    expect({ request, text, isOk: response.ok }).toMatchObject({ isOk: true });
    return text === '' ? undefined : JSON.parse(text);
  };
  const image = await ask('POST /image/v2/images', { name: 'tiny', disk_format: 'raw', container_format: 'bare' });
  await ask(`PUT /image/v2/images/${image.id}/file`, rawImage());
  const server = { name: 'web', imageRef: image.id, flavorRef: '1' };
  const { id } = (await ask('POST /compute/v2.1/servers', { server })).server;
  const path = `/compute/v2.1/servers/${id}`;
  const waitForStatus = async (status: string): Promise<void> => {
    await waitFor(async () => (await ask(`GET ${path}`)).server.status === status, { what: status });
  };
  await waitForStatus('ACTIVE');
  await ask(`POST ${path}/action`, { 'os-stop': null });
  await waitForStatus('SHUTOFF');
  await ask(`DELETE ${path}`);
  await waitFor(async () => (await ask('GET /compute/v2.1/servers')).servers.length === 0, { what: 'it to be gone' });
};

describe('a server of the API', () => {
  test('has what it needs, and cannot change what hosts and operators say', async () => {
    const eapi = await startEapi({
      etcd: world.etcd,
      prefix: PREFIX,
      config: { etcd: etcdAs('eapi-cloud1'), placement: world.placement.section },
    });
    try {
      const clouds = join(eapi.dir, 'clouds.yaml');
      const bootstrap = [process.execPath, eapiProgram, 'bootstrap', '--config', eapi.configPath, '--clouds', clouds];
      const password = (await runCommand(bootstrap)).stdout.trim();
      const user = { name: 'admin', domain: { id: 'default' }, password };
      const scope = { project: { name: 'admin', domain: { id: 'default' } } };
      const auth = { identity: { methods: ['password'], password: { user } }, scope };
      const logIn = await fetch(`${eapi.authUrl}/auth/tokens`, { method: 'POST', body: JSON.stringify({ auth }) });
      const headers = { 'x-auth-token': logIn.headers.get('x-subject-token') ?? '' };
      for (const path of [
        'identity/v3/projects',
        'network/v2.0/networks',
        'network/v2.0/ports',
        'compute/v2.1/flavors',
      ])
        expect({ path, status: (await fetch(`${eapi.endpoint}/${path}`, { headers })).status }).toEqual({
          path,
          status: 200,
        });
      await using agent = await startAgent(true);
      await liveByApi(eapi.endpoint, headers);
      expect(await agent.stop()).toEqual({ code: 0, signal: null });
    } finally {
      await eapi.stop();
    }
    await using store = await openStore(etcdSection.parse(etcdAs('eapi-cloud1')));
    const instance = newInstanceUuid();
    for (const key of [keys.request(stolen, instance), keys.location(instance), `${keys.identity}state/any`])
      expect({ key, rights: await rightsOn(store, key) }).toEqual({ key, rights: ALL });
    for (const key of [keys.agent, keys.console, keys.drain, keys.session, keys.endpoint].map((of) => of(stolen)))
      expect({ key, rights: await rightsOn(store, key) }).toEqual({ key, rights: READ });
    for (const key of [keys.audit(stolen), '/other-cloud/identity/state/any'])
      expect({ key, rights: await rightsOn(store, key) }).toEqual({ key, rights: '' });
  });
});
