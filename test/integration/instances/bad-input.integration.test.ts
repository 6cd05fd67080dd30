import { join } from 'node:path';
import { startAgent, type Agent } from '@etcd-compute/agent/lifecycle/agent';
import { agentConfigSchema } from '@etcd-compute/agent/config/config';
import { instanceUuidSchema, newProviderUuid, type InstanceUuid } from '@etcd-compute/common/ids';
import { silentLogger } from '@etcd-compute/common/log';
import { connect, type Connection } from '@etcd-compute/libvirt/connection';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  askToDestroy,
  boot,
  findRecord,
  heldBy,
  SMALL,
  startWorld,
  waitForRecord,
  waitForState,
  type World,
} from '../fixtures/agent-world.js';

/**
 * Requests that cannot be built: the record says why, and nothing of them is left. The agent runs in this process, because
 * `test:///default` is one host per process: so its domains and volumes can be looked at.
 */
let world: World;
let agent: Agent;
let libvirt: Connection;
const host = newProviderUuid();

beforeAll(async () => {
  world = await startWorld();
  const config = agentConfigSchema.parse({
    uuid: host,
    name: host,
    state_dir: join(world.dir.path, 'state'),
    etcd: { host: world.etcd.host, port: world.etcd.port },
    placement: world.placement.section,
    libvirt: { uri: 'test:///default' },
    network: { cidr: '10.45.0.0/24' },
    images: { allow_private: ['127.0.0.0/8'] },
    timeouts: { shutdown: 5 },
    inventory: { VCPU: { allocation_ratio: 100 } },
  });
  agent = await startAgent({ config, log: silentLogger(), signal: new AbortController().signal });
  libvirt = await connect('test:///default');
});
afterAll(async () => {
  await agent.stop();
  await libvirt.close();
  await world[Symbol.asyncDispose]();
});

/** Domains and volumes of instances, by instance. (The test driver has a domain `test` of its own.) */
const whatExists = async (): Promise<{ domains: string[]; volumes: string[] }> => {
  const domains: string[] = [];
  for (const domain of await libvirt.listAllDomains()) {
    await using handle = domain;
    if (handle.name !== 'test') domains.push(handle.uuid);
  }
  await using pool = await libvirt.storagePoolLookupByName('ecompute');
  const volumes: string[] = [];
  for (const volume of await pool.listAllVolumes()) {
    await using handle = volume;
    volumes.push(handle.name);
  }
  return { domains, volumes };
};

const NOTHING = { domains: [], volumes: [] };

const expectNothingLeft = async (instance: InstanceUuid): Promise<void> => {
  expect(await heldBy(world, instance)).toEqual({});
  expect(await whatExists()).toEqual(NOTHING);
  expect(await world.store.get(world.keys.booted(instance))).toBeUndefined();
};

/** Destroys an instance in error, as its record's hint says, and sees that the wish goes too. */
const destroy = async (instance: InstanceUuid): Promise<void> => {
  await askToDestroy(world, host, instance);
  await waitForState(world, instance, 'deleted');
  expect(await world.store.get(world.keys.request(host, instance))).toBeUndefined();
  await expectNothingLeft(instance);
};

test('what is looked at below is what a good instance has, until it is destroyed', async () => {
  const instance = await boot(world, host);
  await waitForState(world, instance, 'active');
  expect(await whatExists()).toEqual({ domains: [instance], volumes: [`${instance}.img`] });
  await destroy(instance);
});

/** Which ones there are: `agent-image-corpus`. */
describe('a bad image', () => {
  test('does not stop the next instance, nor the same one booted again with a good one', async () => {
    const instance = await boot(world, host, { image: 'ftp://x' });
    const next = await boot(world, host);
    await waitForState(world, next, 'active');
    await waitForState(world, instance, 'error');
    await destroy(next);
    await destroy(instance);
    await boot(world, host, { instance });
    const { fault } = await waitForState(world, instance, 'active');
    expect(fault).toBeNull();
    await destroy(instance);
  });
});

describe('a bad request', () => {
  test.each(['VCPU', 'MEMORY_MB', 'DISK_GB'] as const)('without %s', async (missing) => {
    const { [missing]: _left, ...resources } = SMALL;
    const instance = await boot(world, host, { resources });
    expect((await waitForState(world, instance, 'error')).fault).toMatchObject({
      code: 'ECOMPUTE_REQUEST_INVALID',
      message: `the boot request of instance ${instance} has no ${missing}`,
      hint: 'an instance needs VCPU, MEMORY_MB and DISK_GB',
    });
    await expectNothingLeft(instance);
    await destroy(instance);
  });
});

describe('destroy while building', () => {
  test('at any moment of a build: it ends deleted, with nothing left', async () => {
    // Each is asked to go as soon as it has come so far; the next one is asked a little later.
    const marks = ['fetch-image', 'create-disk', 'reserve-address', 'define-domain', 'start-domain', 'none'];
    for (const mark of marks) {
      const instance = await boot(world, host);
      await waitForRecord(world, instance, ({ step, state }) => step?.name === mark || state === 'active');
      await askToDestroy(world, host, instance);
      const { transitions } = await waitForState(world, instance, 'deleted');
      expect(transitions.map(({ state }) => state).slice(-2)).toEqual(['deleting', 'deleted']);
      await expectNothingLeft(instance);
    }
  });
});

describe('the domain', () => {
  test('undefined by hand: the instance is in error, and no new one is made in its place', async () => {
    const instance = await boot(world, host);
    await waitForRecord(world, instance, ({ addresses }) => addresses.length > 0);
    {
      await using domain = await libvirt.domainLookupByUUID(instance);
      await domain.destroy();
      await domain.undefineFlags(0);
    }
    expect((await waitForState(world, instance, 'error')).fault).toMatchObject({
      code: 'ECOMPUTE_DOMAIN_LOST',
      hint: expect.stringContaining('if the domain comes back, so does the instance'),
    });
    expect((await whatExists()).domains).toEqual([]);
    expect(await world.store.get(world.keys.booted(instance))).toBeUndefined();
    expect(await heldBy(world, instance)).not.toEqual({}); // its disk may still be there
    await destroy(instance);
  });

  test('shut off and started by hand: the record follows', async () => {
    const instance = await boot(world, host);
    await waitForState(world, instance, 'active');
    await using domain = await libvirt.domainLookupByUUID(instance);
    await domain.destroy();
    await waitForState(world, instance, 'stopped');
    await domain.create();
    await waitForRecord(world, instance, ({ state, addresses }) => state === 'active' && addresses.length > 0);
    expect((await findRecord(world, instance))?.transitions.map(({ reason }) => reason).slice(-2)).toEqual([
      'the guest was shut off',
      'the guest was started',
    ]);
    await destroy(instance);
  });

  test('of someone else with the instance’s uuid: refused, and left alone', async () => {
    const theirs = newProviderUuid();
    const xml = `<domain type='test'><name>theirs</name><uuid>${theirs}</uuid><memory>65536</memory><vcpu>1</vcpu><os><type>hvm</type></os></domain>`;
    await using domain = await libvirt.domainDefineXML(xml);
    const instance = await boot(world, host, { instance: instanceUuidSchema.parse(theirs) });
    expect((await waitForState(world, instance, 'error')).fault).toMatchObject({ code: 'ECOMPUTE_DOMAIN_FOREIGN' });
    expect(await heldBy(world, instance)).toEqual({});
    await askToDestroy(world, host, instance);
    await waitForState(world, instance, 'deleted');
    expect((await whatExists()).domains).toEqual([theirs]);
    await domain.undefineFlags(0);
  });
});
