import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { acceptChange, openKnownServers } from '@etcd-compute/agent/known-servers/known-servers';
import { afterEach, beforeEach, expect, test } from 'vitest';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'known-servers-'));
});
afterEach(async () => rm(dir, { recursive: true }));

const etcd = { cluster_id: '1', prefix: '', revision: '5', went_back: false };
const libvirt = { uri: 'qemu:///system', pool: 'a' };

test('what is written is read again, and changes at the same time do not lose one another', async () => {
  const file = openKnownServers(dir);
  expect(await file.read()).toEqual({ version: 1 });
  await Promise.all([file.change((known) => ({ ...known, etcd })), file.change((known) => ({ ...known, libvirt }))]);
  expect(await openKnownServers(dir).read()).toEqual({ version: 1, etcd, libvirt });
});

test('a change that is accepted forgets one server, once, and keeps the other', async () => {
  const file = openKnownServers(dir);
  await file.change((known) => ({ ...known, etcd, libvirt }));
  expect(await acceptChange(dir, 'etcd')).toBe(true);
  expect(await file.read()).toEqual({ version: 1, libvirt });
  expect(await acceptChange(dir, 'etcd')).toBe(false);
});

test('a change that is accepted while the agent writes is not lost, and disturbs no write', async () => {
  const file = openKnownServers(dir);
  await file.change((known) => ({ ...known, etcd, libvirt }));
  const write = async (revision: string): Promise<void> =>
    file.change(({ etcd: before, ...others }) => ({ ...others, etcd: before && { ...before, revision } }));
  const writes = Array.from({ length: 50 }, async (_, count) => write(`${count + 6}`));
  expect(await acceptChange(dir, 'libvirt')).toBe(true);
  await Promise.all(writes);
  expect(await file.read()).toEqual({ version: 1, etcd: { ...etcd, revision: '55' } });
});

test('what is met next is noted, and counts from then on', async () => {
  const file = openKnownServers(dir);
  await file.change((known) => ({ ...known, etcd, libvirt }));
  await acceptChange(dir, 'libvirt');
  const next = { ...libvirt, pool: 'b' };
  await file.change((known) => ({ ...known, libvirt: next }));
  expect(await openKnownServers(dir).read()).toEqual({ version: 1, etcd, libvirt: next });
  expect(await readdir(dir)).toEqual(['known-servers.json']);
});

test('what cannot be understood is no reason to take any server, and stays', async () => {
  const path = join(dir, 'known-servers.json');
  await writeFile(path, '{"version":2}');
  const file = openKnownServers(dir);
  await expect(file.read()).rejects.toMatchObject({ code: 'ECOMPUTE_STATE_DIR_UNUSABLE' });
  await expect(file.change((known) => ({ ...known, etcd }))).rejects.toMatchObject({
    code: 'ECOMPUTE_STATE_DIR_UNUSABLE',
  });
  expect(await readFile(path, 'utf8')).toBe('{"version":2}');
});
