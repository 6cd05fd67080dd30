import { randomUUID } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { InstanceUuid } from '@etcd-compute/common/ids';
import { connect, type Connection } from '@etcd-compute/libvirt/connection';
import type { Ecompute } from '@etcd-compute/testing/ecompute';
import { startLibvirtd, type LibvirtDaemon } from '@etcd-compute/testing/libvirt-daemon';
import { waitFor } from '@etcd-compute/testing/wait-for';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import {
  askToDestroy,
  boot,
  findRecord,
  heldBy,
  hostOf,
  makeAgentRelist,
  startWorld,
  waitForRecord,
  waitForState,
  type World,
} from '../fixtures/agent-world.js';

/** Domains that vanish beside the agent, one or all of them, and come back. */
let world: World;
let libvirtd: LibvirtDaemon;
let connection: Connection;
let agent: Ecompute;
let instances: InstanceUuid[] = [];

beforeAll(async () => {
  world = await startWorld();
  const dir = join(world.dir.path, 'v');
  await mkdir(dir);
  libvirtd = await startLibvirtd({ dir });
  // libvirtd's own test driver: its domains outlive an agent.
  const uri = libvirtd.uri.replace('qemu+unix:///system', 'test+unix:///default');
  connection = await connect(uri);
  agent = await world.startAgent({ config: { libvirt: { uri }, period: 1 } });
});
afterEach(async () => {
  for (const instance of instances) await askToDestroy(world, agent.uuid, instance);
  for (const instance of instances) await waitForState(world, instance, 'deleted');
  instances = [];
});
afterAll(async () => {
  await agent[Symbol.asyncDispose]();
  await connection.close();
  await libvirtd.stop();
  await world[Symbol.asyncDispose]();
});

const bootActive = async (count: number): Promise<InstanceUuid[]> => {
  instances = await Promise.all(Array.from({ length: count }, async () => boot(world, agent.uuid)));
  for (const instance of instances)
    await waitForRecord(world, instance, ({ state, addresses }) => state === 'active' && addresses.length > 0);
  return instances;
};

/** @returns what defines it anew. */
const undefine = async (instance: InstanceUuid): Promise<string> => {
  await using domain = await connection.domainLookupByUUID(instance);
  const xml = await domain.getXMLDesc();
  await domain.destroy();
  await domain.undefineFlags(0);
  return xml;
};

const define = async (xml: string, { isRunning }: { isRunning: boolean }): Promise<void> => {
  await using domain = await connection.domainDefineXML(xml);
  if (isRunning) await domain.create();
};

/** What is done while the agent sleeps happens at once to it. */
const whileAgentSleeps = async <T>(change: () => Promise<T>): Promise<T> => {
  agent.kill('SIGSTOP');
  try {
    return await change();
  } finally {
    agent.kill('SIGCONT');
  }
};

const reasonsOf = async (instance: InstanceUuid): Promise<string[]> =>
  (await findRecord(world, instance))?.transitions.map(({ state, reason }) => `${state}: ${reason}`) ?? [];

/** Waits until the host shows what keeps it from working; null: nothing. */
const waitForTrouble = async (code: string | null): Promise<void> => {
  await waitFor(
    async () => {
      const entry = await world.store.get(world.keys.agent(hostOf(agent)));
      return entry !== undefined && (JSON.parse(entry.value).trouble?.code ?? null) === code;
    },
    { what: `the host to show ${code ?? 'no trouble'}` },
  );
};
/** How often the agent has said that its domains are gone. */
const countComplaints = async (): Promise<number> =>
  (await agent.readLog()).filter(
    ({ msg, trouble }) => msg === 'this host cannot work' && Object(trouble)['code'] === 'domains-gone',
  ).length;

test.each([
  ['running', true, 'active'],
  ['shut off', false, 'stopped'],
] as const)('one that is gone is lost; when it is there again, %s, its record is true again', async (...row) => {
  const [, isRunning, state] = row;
  const [instance, other] = await bootActive(2);
  if (instance === undefined || other === undefined) throw new Error('two were booted');
  const xml = await undefine(instance);
  const lost = await waitForState(world, instance, 'error');
  expect(lost).toMatchObject({ addresses: [], fault: { code: 'ECOMPUTE_DOMAIN_LOST' } });
  expect(await heldBy(world, instance)).not.toEqual({});
  await whileAgentSleeps(async () => define(xml, { isRunning }));
  const record = await waitForRecord(
    world,
    instance,
    (now) => now.state === state && now.addresses.length > 0 === isRunning,
  );
  expect(record.fault).toBeNull();
  expect((await reasonsOf(instance)).slice(-2)).toEqual(['error: domain lost', `${state}: its domain is there again`]);
  expect(await findRecord(world, other)).toMatchObject({ state: 'active' });
});

test('when most are gone at once, no record says so; when they are there again, nothing has happened', async () => {
  const all = await bootActive(3);
  const before = await Promise.all(all.map(async (instance) => findRecord(world, instance)));
  const definitions = await whileAgentSleeps(async () => Promise.all(all.map(undefine)));
  await waitForTrouble('domains-gone');
  await makeAgentRelist(world, agent);
  expect(await Promise.all(all.map(async (instance) => findRecord(world, instance)))).toEqual(before);
  // A new agent believes it no more than the old one.
  await agent.restart();
  await waitForTrouble('domains-gone');
  await whileAgentSleeps(async () => Promise.all(definitions.map(async (xml) => define(xml, { isRunning: true }))));
  await waitForTrouble(null);
  expect(await countComplaints()).toBe(1);
  for (const instance of all) {
    expect(await findRecord(world, instance)).toMatchObject({ state: 'active', fault: null });
    expect(await reasonsOf(instance)).not.toContain('error: domain lost');
  }
});

test('those that are gone for good are destroyed as always', async () => {
  const all = await bootActive(2);
  await whileAgentSleeps(async () => Promise.all(all.map(undefine)));
  await waitForTrouble('domains-gone');
  for (const instance of all) await askToDestroy(world, agent.uuid, instance);
  for (const instance of all) {
    await waitForState(world, instance, 'deleted');
    expect(await heldBy(world, instance)).toEqual({});
  }
  instances = [];
});

test('a cached image stays while a disk is out of sight, which may be on it', async () => {
  const [instance] = await bootActive(1);
  {
    await using pool = await connection.storagePoolLookupByName('ecompute');
    await using volume = await pool.lookupVolume(`${instance}.img`);
    await volume.delete();
  }
  const key = world.keys.imageWish(hostOf(agent), randomUUID());
  const wish = { version: 1, wish: 'remove', image: world.imageUrl, outcome: null };
  await world.etcdctl('put', key, JSON.stringify(wish));
  const outcome = await waitFor(
    async () => JSON.parse((await world.store.get(key))?.value ?? '{}').outcome ?? undefined,
    {
      what: 'the outcome of the wish',
    },
  );
  expect(outcome).toMatchObject({
    done: null,
    fault: { message: expect.stringContaining(`the disk of domain ${instance} is not in`) },
  });
});
