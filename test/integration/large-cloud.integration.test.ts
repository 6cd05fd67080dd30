import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { newLocation } from '@etcd-compute/common/etcd/messages/instance-location';
import { newRecord } from '@etcd-compute/common/etcd/messages/instance-record';
import type { Write } from '@etcd-compute/common/etcd/store';
import { newInstanceUuid, newProviderUuid } from '@etcd-compute/common/ids';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { boot, bootMessage, hostOf, startWorld, waitForState, type World } from './agent-world.js';
import { parseJson, start } from './eschedule-fixture.js';

/** More in etcd than fits into one reply of gRPC by default: 4 MiB. */
let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(async () => world[Symbol.asyncDispose]());

const RECORDS = 4_500;
const USER_DATA = `#!/bin/sh\n${'#'.repeat(64 * 1024 - 10)}`;

const putAll = async (writes: readonly Write[], inOneTxn: number): Promise<void> => {
  for (let first = 0; first < writes.length; first += inOneTxn) {
    const chunk = writes.slice(first, first + inOneTxn);
    await world.store.txn(
      chunk.map(({ key }) => ({ key, modRevision: '0' })),
      chunk,
    );
  }
};

const eschedule = async (...argv: string[]): ReturnType<typeof start>['finished'] => {
  const config = join(world.dir.path, 'schedule.yaml');
  const etcd = { host: world.etcd.host, port: world.etcd.port };
  await writeFile(config, JSON.stringify({ etcd, placement: { endpoint: world.placement.endpoint } }));
  return start([...argv, '--config', config], world.dir.path).finished;
};

test('an agent with a hundred requests of the largest user data sees the next one, and finds what is amiss', async () => {
  await using agent = await world.startAgent({ config: { period: 1 } });
  const host = hostOf(agent);
  const foreign = newProviderUuid();
  // Refused at once, since it allocates elsewhere.
  const requests = Array.from({ length: 100 }, (): Write => {
    const { instance, ...rest } = bootMessage(foreign, { guest: { user_data: USER_DATA } });
    return {
      op: 'put',
      key: world.keys.request(host, instance),
      value: JSON.stringify({ instance, ...rest, image: 'x' }),
    };
  });
  await putAll(requests, 10);
  const instance = await boot(world, host);
  await waitForState(world, instance, 'active');
  await world.etcdctl('del', `/hosts/${host}/${instance}`);
  await agent.waitForLog('domain or disk without a boot request, left as it is');
  agent.kill('SIGKILL');
  await agent.restart();
  expect(await waitForState(world, await boot(world, host), 'active')).toMatchObject({ fault: null });
});

test('eschedule lists, shows and audits thousands of records beside large requests', async () => {
  const host = newProviderUuid();
  const now = new Date();
  const { keys } = world;
  const writes = Array.from({ length: RECORDS }).flatMap((_, index): Write[] => {
    const instance = newInstanceUuid();
    const resources = { VCPU: 1, MEMORY_MB: 256, DISK_GB: 1 };
    const name = `many-${index}`;
    const common = { instance, host, name, project: 'default' };
    const record = newRecord({ ...common, resources, image: world.imageUrl, reason: 'x'.repeat(500), now });
    const request = { ...bootMessage(host, { instance, image: world.imageUrl }), name };
    const location = newLocation({ ...common, created_at: now.toISOString() });
    const put = (key: string, value: unknown): Write => ({ op: 'put', key, value: JSON.stringify(value) });
    return [
      put(keys.report(host, instance), record),
      put(keys.request(host, instance), request),
      put(keys.location(instance), location),
      put(keys.name('default', name), { version: 1, instance }),
    ];
  });
  await putAll(writes, 100);
  const listed = await eschedule('list', '--output', 'json');
  expect(listed).toMatchObject({ code: 0, stderr: '' });
  expect(parseJson(listed.stdout)).toHaveLength(RECORDS + 102);
  expect(await eschedule('show', `many-${RECORDS - 1}`)).toMatchObject({ code: 0 });
  const audited = await eschedule('audit', '--output', 'name');
  expect(audited).toMatchObject({ code: 3 });
  expect(audited.stdout.trim().split('\n').length).toBeGreaterThanOrEqual(RECORDS);
  expect(await eschedule('hosts')).toMatchObject({ code: 0 });
});
