import { readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hostAuditSchema, type HostAudit } from '@etcd-compute/common/etcd/messages/host-audit';
import { newInstanceUuid, type InstanceUuid } from '@etcd-compute/common/ids';
import { listProviderAllocations } from '@etcd-compute/common/placement/allocations';
import type { Ecompute } from '@etcd-compute/testing/ecompute';
import { waitFor } from '@etcd-compute/testing/wait-for';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { boot, findRecord, heldBy, hostOf, startWorld, waitForState, type World } from '../fixtures/agent-world.js';
import { parseJson, start } from '../fixtures/eschedule-fixture.js';

/** `eschedule audit` and `eschedule destroy` with real agents, which do their part. */
let world: World;
let config: string;

beforeAll(async () => {
  world = await startWorld();
  config = join(world.dir.path, 'schedule.yaml');
  const { etcd, placement, imageUrl } = world;
  await writeFile(
    config,
    JSON.stringify({
      etcd: { host: etcd.host, port: etcd.port },
      placement: placement.section,
      image: imageUrl,
    }),
  );
});
afterAll(async () => world[Symbol.asyncDispose]());

const eschedule = async (...argv: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> =>
  start([...argv, '--config', config], world.dir.path).finished;

const startAgent = async ({ presenceTtl = 3 } = {}): Promise<Ecompute> =>
  world.startAgent({
    config: { period: 0.3, presence_ttl: presenceTtl, inventory: { VCPU: { allocation_ratio: 100 } } },
  });

/** What the agent finds now: it has looked after this was called. */
const lookNow = async (agent: Ecompute): Promise<string[]> => {
  const marker = newInstanceUuid();
  const file = join(agent.stateDir, 'consoles', `${marker}.log`);
  await writeFile(file, '');
  const read = async (): Promise<HostAudit['findings']> => {
    const entry = await world.store.get(world.keys.audit(hostOf(agent)));
    return entry ? hostAuditSchema.parse(JSON.parse(entry.value)).findings : [];
  };
  const hasMarker = async (): Promise<boolean> => (await read()).some(({ instance }) => instance === marker);
  await waitFor(hasMarker, { what: 'the agent to look again' });
  await rm(file);
  await waitFor(async () => !(await hasMarker()), { what: 'the agent to look once more' });
  return (await read()).map(({ kind, instance }) => `${kind} ${instance}`);
};

/** The fake hypervisor dies with its agent and makes no files: this is what a disk is on a real one. */
const leaveDisk = async (agent: Ecompute, instance: InstanceUuid): Promise<void> =>
  writeFile(join(agent.stateDir, 'disks', `${instance}.img`), 'disk');

const waitForNoPresence = async (agent: Ecompute): Promise<void> => {
  await waitFor(async () => !(await world.store.get(world.keys.agent(hostOf(agent)))), { what: 'the presence to go' });
};

const waitForNoRequest = async (agent: Ecompute, instance: InstanceUuid): Promise<void> => {
  const key = world.keys.request(hostOf(agent), instance);
  await waitFor(async () => !(await world.store.get(key)), { what: `${key} to go` });
};

/** Nothing of it is left, but that it was there. */
const expectGone = async (agent: Ecompute, instance: InstanceUuid): Promise<void> => {
  await waitForNoRequest(agent, instance);
  expect(await findRecord(world, instance)).toMatchObject({ state: 'deleted' });
  expect(await heldBy(world, instance)).toEqual({});
  expect(await world.store.get(world.keys.booted(instance))).toBeUndefined();
  expect(await lookNow(agent)).toEqual([]);
  expect(await readdir(join(agent.stateDir, 'disks'))).toEqual([]);
};

describe('audit', () => {
  test('a guest whose request was removed by hand: found, and removed by its agent', async () => {
    await using agent = await startAgent();
    const instance = await boot(world, agent.uuid);
    const kept = await boot(world, agent.uuid);
    for (const uuid of [instance, kept]) await waitForState(world, uuid, 'active');
    await world.etcdctl('del', world.keys.request(hostOf(agent), instance));
    const found = await lookNow(agent);
    expect(found.filter((text) => text.endsWith(instance))).toEqual(
      expect.arrayContaining([`disk-without-request ${instance}`, `domain-without-request ${instance}`]),
    );
    const before = await eschedule('audit', '-o', 'json', '--host', agent.uuid);
    expect(before.code).toBe(3);
    const fixed = await eschedule(
      'audit',
      '--fix',
      '--remove-guests',
      '--wait',
      '--host',
      agent.uuid,
      '-o',
      'json',
      '--grace',
      '0.001',
    );
    expect(parseJson(fixed.stdout)).toMatchObject(
      expect.arrayContaining([expect.objectContaining({ instance, state: 'fixed' })]),
    );
    expect(fixed.code).toBe(4);
    expect(await findRecord(world, instance)).toMatchObject({ state: 'deleted' });
    expect(await lookNow(agent)).toEqual([]);
    expect(await heldBy(world, instance)).toEqual({});
    expect(await findRecord(world, kept)).toMatchObject({ state: 'active' });
    expect(await eschedule('audit', '--host', agent.uuid)).toMatchObject({ code: 0, stdout: '' });
    expect(await eschedule('destroy', kept, '--wait')).toMatchObject({ code: 0 });
  });

  test('an agent that is killed leaves its report, and what is on its host is removed when it is back', async () => {
    await using agent = await startAgent();
    const instance = await boot(world, agent.uuid);
    await waitForState(world, instance, 'active');
    const key = world.keys.request(hostOf(agent), instance);
    await world.etcdctl('del', key);
    await world.etcdctl('del', world.keys.report(hostOf(agent), instance));
    expect(await lookNow(agent)).toContain(`disk-without-request ${instance}`);
    agent.kill('SIGKILL');
    await leaveDisk(agent, instance);
    await waitForNoPresence(agent);
    const down = await eschedule('audit', '--fix', '--remove-guests', '--host', agent.uuid);
    expect(down.code).toBe(1);
    expect(down.stdout).toContain('its agent is down: it is asked to, and removes it when it is back');
    expect(down.stderr).toContain(`the agent of host ${agent.uuid} is down: what it holds is known as of`);
    await agent.restart();
    await expectGone(agent, instance);
  });
});

describe('destroy --force', () => {
  test('the agent that comes back, from being frozen, removes the guest that ran on', async () => {
    await using agent = await startAgent();
    const instance = await boot(world, agent.uuid);
    await waitForState(world, instance, 'active');
    agent.kill('SIGSTOP');
    await waitForNoPresence(agent);
    expect(await eschedule('destroy', instance, '--force')).toMatchObject({ code: 0 });
    expect(await findRecord(world, instance)).toMatchObject({ state: 'deleted' });
    expect(await heldBy(world, instance)).toEqual({});
    expect(await world.store.get(world.keys.request(hostOf(agent), instance))).toBeDefined();
    agent.kill('SIGCONT');
    await agent.waitForLog('instance deleted', (line) => line['instanceUuid'] === instance);
    await expectGone(agent, instance);
  });

  test('the agent that comes back after a crash removes the disk, also when the record is forgotten by then', async () => {
    await using agent = await startAgent();
    const [remembered, forgotten] = [await boot(world, agent.uuid), await boot(world, agent.uuid)];
    for (const instance of [remembered, forgotten]) await waitForState(world, instance, 'active');
    agent.kill('SIGKILL');
    for (const instance of [remembered, forgotten]) await leaveDisk(agent, instance);
    await waitForNoPresence(agent);
    expect(await eschedule('destroy', remembered, forgotten, '--force')).toMatchObject({ code: 0 });
    await world.etcdctl('del', world.keys.report(hostOf(agent), forgotten));
    await agent.restart();
    await expectGone(agent, remembered);
    await expectGone(agent, forgotten);
  });
});

const BOOTS = 5;
/** What a boot may say: nothing, or that it was destroyed before its request was written. */
const CAME_TO_NOTHING = /^$|it was changed by someone else meanwhile/;

describe('boot and destroy in the same moment', () => {
  test('leave nothing, wherever the one meets the other', { timeout: 300_000 }, async () => {
    await using agent = await startAgent({ presenceTtl: 60 });
    const host = hostOf(agent);
    const boots = Array.from({ length: BOOTS }, async () => eschedule('boot', '--no-wait', '-o', 'name'));
    let isBooting = true;
    const allBooted = Promise.all(boots).finally(() => {
      isBooting = false;
    });
    // As soon as Placement holds anything: the request is not written then, or has just been, or is being built.
    const destroyed = new Map<string, Promise<{ code: number | null; stderr: string }>>();
    await waitFor(
      async () => {
        const wasBooting = isBooting;
        for (const instance of Object.keys(await listProviderAllocations(world.client, host)))
          if (!destroyed.has(instance)) destroyed.set(instance, eschedule('destroy', instance, '--wait'));
        return !wasBooting && (await Promise.all(destroyed.values())).length === destroyed.size;
      },
      { what: 'all boots and destroys to end', timeoutMs: 200_000 },
    );
    for (const { code, stderr } of await allBooted) expect(code === 0 ? '' : stderr).toMatch(CAME_TO_NOTHING);
    for (const { code, stderr } of await Promise.all(destroyed.values()))
      expect({ code, stderr }).toMatchObject({ code: 0 });
    expect(destroyed.size).toBe(BOOTS);
    expect(await listProviderAllocations(world.client, host)).toEqual({});
    expect((await world.store.list(world.keys.requestsOf(host))).entries).toEqual([]);
    expect(await lookNow(agent)).toEqual([]);
    expect(await readdir(join(agent.stateDir, 'disks'))).toEqual([]);
    for (const { value } of (await world.store.list(world.keys.reports)).entries)
      expect(JSON.parse(value)).toMatchObject({ state: 'deleted' });
    expect((await world.store.list(world.keys.bootedAll)).entries).toEqual([]);
    expect(await eschedule('audit', '--host', agent.uuid, '--grace', '0.001')).toMatchObject({ code: 0 });
  });
});
