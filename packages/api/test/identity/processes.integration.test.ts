import { randomUUID } from 'node:crypto';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { eapiProgram, startEapi, type EapiServer } from '@etcd-compute/testing/eapi';
import { startEtcd, type EtcdServer } from '@etcd-compute/testing/etcd-server';
import { runCommand } from '@etcd-compute/testing/run-command';
import { makeTempDir, type TempDir } from '@etcd-compute/testing/temp-dir';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parse } from 'yaml';

/** The program: it is bootstrapped, and killed while it writes. */
let etcd: EtcdServer;
let one: EapiServer;
let two: EapiServer;
let dir: TempDir;
beforeAll(async () => {
  etcd = await startEtcd();
  dir = await makeTempDir('eapi');
  one = await startEapi({ etcd, prefix: '/cloud' });
  two = await startEapi({ etcd, prefix: '/cloud' });
});
afterAll(async () => {
  await Promise.all([one.stop(), two.stop()]);
  await etcd.stop();
  await dir[Symbol.asyncDispose]();
});

const bootstrap = async (...args: string[]): Promise<string> =>
  (await runCommand([process.execPath, eapiProgram, 'bootstrap', '--config', one.configPath, ...args])).stdout;

const logIn = async (server: EapiServer, password: string): Promise<{ status: number; token: string }> => {
  const domain = { id: 'default' };
  const identity = { methods: ['password'], password: { user: { name: 'admin', domain, password } } };
  const response = await fetch(`${server.authUrl}/auth/tokens`, {
    method: 'POST',
    body: JSON.stringify({ auth: { identity } }),
  });
  return { status: response.status, token: response.headers.get('x-subject-token') ?? '' };
};

test('bootstrap makes an admin, tells his password once, and takes another one from a file', async () => {
  const clouds = join(dir.path, 'clouds.yaml');
  await writeFile(clouds, 'clouds: {other: {auth: {auth_url: http://other}}}\n');
  const password = (await bootstrap('--clouds', clouds, '--cloud', 'mine')).trim();
  expect(password).toHaveLength(43);
  const written = parse(await readFile(clouds, 'utf8'));
  expect(written.clouds.mine.auth).toMatchObject({ username: 'admin', password, auth_url: one.authUrl });
  expect(written.clouds.other).toBeDefined();
  expect((await stat(clouds)).mode & 0o777).toBe(0o600);
  expect((await logIn(two, password)).status).toBe(201);

  expect(await bootstrap('--clouds', clouds)).toBe('');
  expect((await logIn(two, password)).status).toBe(201);

  const file = join(dir.path, 'password');
  await writeFile(file, 'chosen\n');
  expect(await bootstrap('--clouds', clouds, '--password-file', file)).toBe('');
  expect((await logIn(two, password)).status).toBe(401);
  expect((await logIn(one, 'chosen')).status).toBe(201);
});

test('a server that is killed while it writes loses nothing that it has confirmed', async () => {
  const { token } = await logIn(two, 'chosen');
  const confirmed: string[] = [];
  const make = async (): Promise<void> => {
    const name = randomUUID();
    const response = await fetch(`${one.authUrl}/projects`, {
      method: 'POST',
      headers: { 'x-auth-token': token },
      body: JSON.stringify({ project: { name } }),
    });
    if (response.status === 201) confirmed.push(name);
  };
  const makers = Array.from({ length: 4 }, async () => {
    for (;;) await make();
  });
  const ended = Promise.allSettled(makers);
  await expect.poll(() => confirmed.length).toBeGreaterThan(20);
  await one.kill();
  await ended;
  const response = await fetch(`${two.authUrl}/projects`, { headers: { 'x-auth-token': token } });
  const { projects }: { projects: { name: string }[] } = JSON.parse(await response.text());
  const names = projects.map(({ name }) => name);
  expect(confirmed.filter((name) => !names.includes(name))).toEqual([]);
  await one.restart();
  const again = await fetch(`${one.authUrl}/projects`, { headers: { 'x-auth-token': token } });
  expect(JSON.parse(await again.text()).projects).toHaveLength(projects.length);
});

test('health, metrics and the log tell what happens, and no secret', async () => {
  expect((await fetch(`${one.endpoint}/healthz`)).status).toBe(200);
  const metrics = await (await fetch(`${one.endpoint}/metrics`)).text();
  expect(metrics).toMatch(/eapi_requests_total\{method="GET",route="\/identity\/v3\/projects",status="200"\} \d+/);
  const { token } = await logIn(one, 'chosen');
  const log = await readFile(one.logPath, 'utf8');
  expect(log).not.toContain(token);
  expect(log).not.toContain('chosen');
});
