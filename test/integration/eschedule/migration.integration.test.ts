import { migrateRecords } from '@etcd-compute/agent/instances/migrate';
import { takeFence } from '@etcd-compute/agent/session/fence';
import { newInstanceUuid, newSessionUuid, type ProviderUuid } from '@etcd-compute/common/ids';
import { silentLogger } from '@etcd-compute/common/log';
import { waitFor } from '@etcd-compute/testing/wait-for';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { parseJson, startCloud, type TestCloud } from '../fixtures/eschedule-fixture.js';
import { oldRecord, putVersion1, type OldInstance } from '../fixtures/version-1.js';

/** An eschedule that is upgraded before the agents, or after them: it knows what version 1 wrote, and what it becomes. */
let cloud: TestCloud;
beforeAll(async () => {
  cloud = await startCloud();
});
afterEach(async () => cloud.reset());
afterAll(async () => cloud.stop());

const putOld = async (host: ProviderUuid, old: Omit<OldInstance, 'instance' | 'host'> = {}): Promise<OldInstance> => {
  const stored = { instance: newInstanceUuid(), host, name: 'web', ...old };
  await putVersion1(cloud, stored);
  return stored;
};

const drop = async (key: string): Promise<void> => {
  const modRevision = (await cloud.store.get(key))?.modRevision ?? '0';
  await cloud.store.txn([{ key, modRevision }], [{ op: 'delete', key }]);
};

/** What an agent of version 1 does with a wish to destroy. */
const destroyAsVersion1 = async (old: OldInstance): Promise<void> => {
  const { store, keys } = cloud;
  const key = keys.location(old.instance);
  const lease = await store.grantLease(3600);
  const modRevision = (await store.get(key))?.modRevision ?? '0';
  const value = JSON.stringify(oldRecord({ ...old, state: 'deleted' }));
  await store.txn([{ key, modRevision }], [{ op: 'put', key, value, lease: lease.id }]);
  await drop(keys.request(old.host, old.instance));
};

/** The agent of the host is upgraded. */
const upgrade = async (host: ProviderUuid): Promise<void> => {
  const { store, keys } = cloud;
  const fence = await takeFence({ store, keys, host, session: newSessionUuid() });
  await migrateRecords({ store, keys, host, fence, log: silentLogger() });
};

const existing = async (old: OldInstance): Promise<string[]> => {
  const { entries } = await cloud.store.list('/');
  return entries.map(({ key }) => key).filter((key) => key.includes(old.instance) || key.endsWith(`/${old.name}`));
};

test('lists and shows what version 1 wrote, by name and by uuid, with what was deleted within the hour', async () => {
  const host = await cloud.addHost({ name: 'one', layout: 1 });
  const live = await putOld(host);
  const deleted = await putOld(host, { name: 'gone', state: 'deleted' });
  const { stdout, stderr } = await cloud.eschedule(['list', '-o', 'json']);
  expect(stderr).toBe('');
  expect(parseJson(stdout)).toMatchObject([
    {
      instance: live.instance,
      name: 'web',
      host,
      hostName: 'one',
      state: 'active',
      createdAt: '2026-01-02T03:04:05.678Z',
    },
  ]);
  expect((await cloud.eschedule(['list', '--all', '-o', 'name'])).stdout.split('\n')).toContain(deleted.instance);
  for (const [text, { instance }] of [
    ['web', live],
    ['gone', deleted],
    [live.instance, live],
    [deleted.instance, deleted],
  ] as const)
    expect((await cloud.eschedule(['show', text, '-o', 'name'])).stdout).toBe(`${instance}\n`);
});

test('a name that two have in version 1 is ambiguous, and destroy touches neither', async () => {
  const host = await cloud.addHost({ name: 'one', layout: 1 });
  const all = [await putOld(host), await putOld(host)];
  const before = await cloud.store.list('/hosts/');
  for (const command of ['show', 'destroy']) {
    const { code, stderr } = await cloud.eschedule([command, 'web']);
    expect(code).toBe(1);
    expect(stderr).toContain("2 instances are named 'web'");
    for (const { instance } of all) expect(stderr).toContain(instance);
  }
  expect(await cloud.store.list('/hosts/')).toMatchObject({ entries: before.entries });
  // Both are there after the upgrade; one has the name, and the audit tells of the other.
  await upgrade(host);
  const shown = (await cloud.eschedule(['show', 'web', '-o', 'name'])).stdout.trim();
  const nameless = all.find(({ instance }) => instance !== shown);
  expect(all.map(({ instance }) => instance)).toContain(shown);
  const { stdout } = await cloud.eschedule(['audit', '-o', 'json']);
  expect(parseJson(stdout)).toMatchObject(
    expect.arrayContaining([expect.objectContaining({ kind: 'instance-without-name', instance: nameless?.instance })]),
  );
});

test('never boots on a host whose agent is older, nor by a name that version 1 has', async () => {
  const old = await cloud.addHost({ name: 'older', layout: 1 });
  const { code, stderr } = await cloud.eschedule(['boot', '--no-wait']);
  expect(code).toBe(3);
  expect(stderr).toContain('older: its agent is of an older version: upgrade it');
  const { instance } = await putOld(old);
  await cloud.addHost({ name: 'newer' });
  const taken = await cloud.eschedule(['boot', '--no-wait', '--name', 'web']);
  expect(taken).toMatchObject({ code: 1 });
  expect(taken.stderr).toContain(`the name 'web' is taken by instance ${instance}`);
  expect(await cloud.eschedule(['boot', '--no-wait', '--name', 'other'])).toMatchObject({ code: 0 });
});

test('stops and destroys what an older agent has', async () => {
  const host = await cloud.addHost({ name: 'one', layout: 1 });
  const old = await putOld(host);
  expect(await cloud.eschedule(['stop', 'web', '--no-wait'])).toMatchObject({ code: 0 });
  expect(await cloud.listRequests()).toMatchObject([{ value: { power: { wish: 'stopped', count: 1 } } }]);
  const { finished } = cloud.run(['destroy', 'web', '--wait']);
  await waitFor(async () => (await existing(old)).includes(cloud.keys.ending(old.instance)), { what: 'the wish' });
  await destroyAsVersion1(old);
  expect(await finished).toMatchObject({ code: 0 });
  // What version 1 keeps for an hour.
  expect(await existing(old)).toEqual([cloud.keys.location(old.instance)]);
  expect((await cloud.eschedule(['show', old.instance])).stdout).toContain('deleted');
});

test('what an older agent cannot do is not asked for', async () => {
  const host = await cloud.addHost({ name: 'one', layout: 1 });
  await putOld(host);
  const before = await cloud.listRequests();
  const { code, stderr } = await cloud.eschedule(['pause', 'web']);
  expect(code).toBe(1);
  expect(stderr).toMatch(
    /could not pause instance web \(.*\): the agent of its host one is of a version that cannot\nhint: upgrade ecompute on one/,
  );
  expect(await cloud.listRequests()).toEqual(before);
});

test('an instance whose agent is upgraded in the middle of its destroy leaves nothing but its record', async () => {
  const host = await cloud.addHost({ name: 'one', layout: 1 });
  const old = await putOld(host);
  expect(await cloud.eschedule(['destroy', 'web'])).toMatchObject({ code: 0 });
  await upgrade(host);
  await cloud.report(old.instance, 'deleting');
  await cloud.report(old.instance, 'deleted');
  await drop(cloud.keys.request(host, old.instance));
  await cloud.eschedule(['boot', '--no-wait']);
  expect(await existing(old)).toEqual([cloud.keys.report(host, old.instance)]);
});

test('a wait goes on when the record moves in its middle', async () => {
  const host = await cloud.addHost({ name: 'one', layout: 1 });
  const old = await putOld(host);
  const { finished } = cloud.run(['stop', 'web']);
  await waitFor(async () => JSON.stringify(await cloud.listRequests()).includes('"power"'), { what: 'the wish' });
  await upgrade(host);
  await cloud.report(old.instance, 'stopped', { wish_count: 1 });
  expect(await finished).toMatchObject({ code: 0 });
});

test('gives up by force what an older agent had', async () => {
  const host = await cloud.addHost({ name: 'one', layout: 1 });
  const old = await putOld(host);
  await drop(cloud.keys.agent(host));
  expect(await cloud.eschedule(['destroy', 'web', '--force'])).toMatchObject({ code: 0 });
  const entry = await cloud.store.get(cloud.keys.location(old.instance));
  expect(parseJson(entry?.value ?? '')).toMatchObject({ version: 1, state: 'deleted' });
  expect(entry?.lease).not.toBe('0');
  expect(await cloud.store.get(cloud.keys.ending(old.instance))).toBeUndefined();
});

test('an audit finds nothing amiss in what is not moved yet, and says what it waits for', async () => {
  const host = await cloud.addHost({ name: 'one', layout: 1 });
  await putOld(host, { state: 'error' });
  const before = await cloud.store.list('/');
  const { code, stdout, stderr } = await cloud.eschedule(['audit', '--fix', '--grace', '0.001']);
  expect({ code, stdout }).toEqual({ code: 0, stdout: '' });
  expect(stderr).toContain('records of host one are where an older version has them');
  expect(await cloud.store.list('/')).toMatchObject({ entries: before.entries });
});
