import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Write } from '@etcd-compute/common/etcd/store';
import { newProviderUuid } from '@etcd-compute/common/ids';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { boot, bootMessage, hostOf, startWorld, waitForState, type World } from '../fixtures/agent-world.js';
import { parseJson, start } from '../fixtures/eschedule-fixture.js';
import { putAll, putInstances } from '../fixtures/put-instances.js';

/** More in etcd than fits into one reply of gRPC by default: 4 MiB. */
let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(async () => world[Symbol.asyncDispose]());

const RECORDS = 4_500;
const USER_DATA = `#!/bin/sh\n${'#'.repeat(64 * 1024 - 10)}`;

const eschedule = async (...argv: string[]): ReturnType<typeof start>['finished'] => {
  const config = join(world.dir.path, 'schedule.yaml');
  const etcd = { host: world.etcd.host, port: world.etcd.port };
  await writeFile(config, JSON.stringify({ etcd, placement: world.placement.section }));
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
  await putAll(world, requests, 10);
  const instance = await boot(world, host);
  await waitForState(world, instance, 'active');
  await world.etcdctl('del', `/hosts/${host}/${instance}`);
  await agent.waitForLog('domain or disk without a boot request, left as it is');
  agent.kill('SIGKILL');
  await agent.restart();
  expect(await waitForState(world, await boot(world, host), 'active')).toMatchObject({ fault: null });
});

test('eschedule lists, shows and audits thousands of records beside large requests', async () => {
  await putInstances(world, RECORDS);
  for (const [argv, count] of [
    [['list'], RECORDS],
    [['list', '--all-projects'], RECORDS + 102],
  ] as const) {
    const listed = await eschedule(...argv, '--output', 'json');
    expect(listed).toMatchObject({ code: 0, stderr: '' });
    expect(parseJson(listed.stdout)).toHaveLength(count);
  }
  expect(await eschedule('show', `many-${RECORDS - 1}`)).toMatchObject({ code: 0 });
  const audited = await eschedule('audit', '--output', 'name');
  expect(audited).toMatchObject({ code: 3 });
  expect(audited.stdout.trim().split('\n').length).toBeGreaterThanOrEqual(RECORDS);
  expect(await eschedule('hosts')).toMatchObject({ code: 0 });
});
