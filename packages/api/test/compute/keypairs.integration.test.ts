import { createPrivateKey, X509Certificate } from 'node:crypto';
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { startEtcd, type EtcdServer } from '@etcd-compute/testing/etcd-server';
import { makeTempDir } from '@etcd-compute/testing/temp-dir';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { addUser, openCloud, type Cloud } from '../a-cloud.js';

let etcd: EtcdServer;
let cloud: Cloud;
let admin: string;
let member: string;
let memberId: string;

beforeAll(async () => {
  etcd = await startEtcd();
  cloud = await openCloud(etcd);
  admin = await cloud.logIn('admin', 'admin');
  memberId = await addUser(cloud, { admin, name: 'member', project: 'ours', role: 'member' });
  member = await cloud.logIn('member', 'ours');
});
afterAll(async () => {
  await cloud[Symbol.asyncDispose]();
  await etcd.stop();
});

const ask = async (
  request: string,
  { body, token = member, version = '2.1' }: { body?: object; token?: string; version?: string } = {},
) => cloud.askAt('/compute/v2.1')(request, { token, version, ...(body && { body }) });
const make = async (keypair: object, version?: string) =>
  ask('POST /os-keypairs', { body: { keypair }, ...(version !== undefined && { version }) });

const PUBLIC_KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHUHhMhIMgZXF0Ljgf7WVvvYWdv6L1g2M0aB2pVYpQwB someone@somewhere';

test('a key that is made is one that ssh takes, and its private half is shown once', async () => {
  const { status, body } = await make({ name: 'made here' });
  expect(status).toBe(200);
  const { keypair } = body;
  expect(Object.keys(keypair).toSorted()).toEqual(['fingerprint', 'name', 'private_key', 'public_key', 'user_id']);

  await using dir = await makeTempDir('key');
  const path = join(dir.path, 'key');
  await writeFile(path, keypair.private_key, { mode: 0o600 });
  const keygen = async (...args: string[]) => (await promisify(execFile)('ssh-keygen', [...args, '-f', path])).stdout;
  expect((await keygen('-y')).trim().split(' ').slice(0, 2)).toEqual(keypair.public_key.split(' ').slice(0, 2));
  expect(await keygen('-l', '-E', 'md5')).toContain(`MD5:${keypair.fingerprint} `);

  const { body: shown } = await ask('GET /os-keypairs/made%20here');
  expect(shown.keypair).toMatchObject({ name: 'made here', deleted: false, deleted_at: null, updated_at: null });
  expect(shown.keypair).not.toHaveProperty('private_key');
  expect((await ask('DELETE /os-keypairs/made%20here')).status).toBe(202);
  expect((await ask('GET /os-keypairs/made%20here')).status).toBe(404);
});

test('a key is imported under a name that is taken once, and shown with its type from 2.2 on', async () => {
  const keypair = { name: 'mine', public_key: PUBLIC_KEY };
  const made = await make({ ...keypair, type: 'ssh' }, '2.2');
  expect(made).toMatchObject({ status: 201, body: { keypair: { ...keypair, type: 'ssh', user_id: memberId } } });
  expect(made.body.keypair).not.toHaveProperty('private_key');
  expect((await make(keypair)).status).toBe(409);
  const { fingerprint } = made.body.keypair;
  expect((await ask('GET /os-keypairs')).body).toEqual({ keypairs: [{ keypair: { ...keypair, fingerprint } }] });
  expect((await ask('GET /os-keypairs', { version: '2.2' })).body.keypairs[0].keypair.type).toBe('ssh');
  expect((await ask('GET /os-keypairs', { token: admin })).body).toEqual({ keypairs: [] });
  expect((await ask('DELETE /os-keypairs/mine', { version: '2.2' })).status).toBe(204);
});

test('a certificate for Windows signs itself, and names the user', async () => {
  const { status, body } = await make({ name: 'windows', type: 'x509' }, '2.2');
  expect(status).toBe(201);
  const certificate = new X509Certificate(body.keypair.public_key);
  expect(certificate.verify(certificate.publicKey)).toBe(true);
  expect(certificate.checkPrivateKey(createPrivateKey(body.keypair.private_key))).toBe(true);
  expect(certificate.subject).toBe(`CN=${memberId}`);
  expect(certificate.keyUsage).toEqual(['1.3.6.1.5.5.7.3.2']);
  expect(certificate.subjectAltName).toContain(`${memberId}@localhost`);
  expect(certificate.fingerprint.toLowerCase()).toBe(body.keypair.fingerprint);
  expect(new Date(certificate.validTo).getUTCFullYear()).toBe(new Date().getUTCFullYear() + 10);
  await ask('DELETE /os-keypairs/windows');

  const imported = await make({ name: 'imported', type: 'x509', public_key: body.keypair.public_key }, '2.2');
  expect(imported.body.keypair.fingerprint).toBe(body.keypair.fingerprint);
  expect((await make({ name: 'none', type: 'x509', public_key: PUBLIC_KEY }, '2.2')).status).toBe(400);
  await ask('DELETE /os-keypairs/imported');
});

test.each([
  ['no key', { public_key: 'ssh-rsa nothing' }],
  ['a private key', { public_key: '-----BEGIN RSA PRIVATE KEY-----' }],
  ['a name with a slash', { name: 'a/b' }],
  ['no name', { name: '' }],
  ['a type in a version without types', { type: 'ssh' }],
])('%s is refused', async (_, more) => {
  expect((await make({ name: 'x', public_key: PUBLIC_KEY, ...more })).status).toBe(400);
});

test('who has as many as he may, makes no more', async () => {
  const change = async (limits: object) =>
    ask('PUT /os-quota-class-sets/default', { token: admin, body: { quota_class_set: limits } });
  await change({ key_pairs: 1 });
  expect((await make({ name: 'one', public_key: PUBLIC_KEY })).status).toBe(200);
  expect((await make({ name: 'two', public_key: PUBLIC_KEY })).status).toBe(403);
  await change({ key_pairs: 100 });
});
