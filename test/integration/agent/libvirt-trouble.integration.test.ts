import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { parseMessage } from '@etcd-compute/common/etcd/messages/parse-message';
import { presenceSchema, type Presence } from '@etcd-compute/common/etcd/messages/presence';
import { connect, type Connection } from '@etcd-compute/libvirt/connection';
import type { Ecompute } from '@etcd-compute/testing/ecompute';
import { startLibvirtd, type LibvirtDaemon } from '@etcd-compute/testing/libvirt-daemon';
import { startLibvirtProxy, type LibvirtProxy } from '@etcd-compute/testing/libvirt-proxy';
import { waitFor } from '@etcd-compute/testing/wait-for';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { askToDestroy, boot, heldBy, hostOf, startWorld, waitForState, type World } from '../fixtures/agent-world.js';

/** An agent whose libvirt, a real one with its test driver, hangs or goes away: what it shows, and what goes on. */
let world: World;
let daemon: LibvirtDaemon;
let proxy: LibvirtProxy;
/** Past the proxy: the test driver's domains end with its last connection. */
let keeper: Connection;
let agent: Ecompute;
beforeAll(async () => {
  world = await startWorld();
  const [dir, agentDir] = [join(world.dir.path, 'v'), join(world.dir.path, 'agent')];
  await Promise.all([mkdir(dir), mkdir(agentDir)]);
  daemon = await startLibvirtd({ dir });
  keeper = await connect(daemon.uri.replace('qemu+unix:///system', 'test+unix:///default'));
  const path = proxyPath();
  proxy = await startLibvirtProxy({ path: join(dir, 'run/libvirt/libvirt-sock') }, { path });
  agent = await world.startAgent({
    dir: agentDir,
    config: {
      libvirt: { uri: `test+unix:///default?socket=${path}` },
      timeouts: { libvirt: 3, domain: 8, address: 1 },
      presence_ttl: 5,
    },
  });
});
afterAll(async () => {
  await agent[Symbol.asyncDispose]();
  await proxy[Symbol.asyncDispose]();
  await keeper.close();
  await daemon.stop();
  await world[Symbol.asyncDispose]();
});

const proxyPath = (): string => join(world.dir.path, 'sock');

const findPresence = async (): Promise<Presence | undefined> => {
  const entry = await world.store.get(world.keys.agent(hostOf(agent)));
  return entry && parseMessage(presenceSchema, entry.key, entry.value);
};

const waitForTrouble = async (code: string | null): Promise<Presence['trouble']> => {
  const presence = await waitFor(
    async () => {
      const found = await findPresence();
      return (found?.trouble?.code ?? null) === code ? found : undefined;
    },
    { what: `trouble ${code} to be shown`, onTimeout: async () => JSON.stringify(await findPresence()) },
  );
  return presence.trouble;
};

test('a libvirt that answers nothing but keepalive is shown, with since when; when it answers, all that waited goes on', async () => {
  await waitForTrouble(null);
  const { session } = (await findPresence()) ?? {};
  const before = new Date().toISOString();
  proxy.hush();
  const instance = await boot(world, agent.uuid);
  const trouble = await waitForTrouble('libvirt-hangs');
  expect(trouble?.message).toContain('does not answer');
  expect(trouble && trouble.since >= before).toBe(true);
  // It is still the same agent, and it lives: it took the request up.
  expect(await findPresence()).toMatchObject({ session, state: 'up' });
  proxy.speak();
  await waitForTrouble(null);
  await waitForState(world, instance, 'active');
});

test('a libvirt that is away is shown, and its return', async () => {
  await proxy.wire.refuse(true);
  proxy.wire.cutAll();
  const trouble = await waitForTrouble('libvirt-away');
  expect(trouble?.message).toMatch(/Failed to connect socket|Connection refused/);
  await proxy.wire.refuse(false);
  await waitForTrouble(null);
  await waitForState(world, await boot(world, agent.uuid), 'active');
});

test('a libvirt that accepts connections and says nothing is shown, also when it was away before', async () => {
  proxy.wire.stall('both');
  proxy.wire.cutAll();
  expect((await waitForTrouble('libvirt-hangs'))?.message).toContain('libvirt did not return from connectionOpen');
  proxy.wire.resume();
  await waitForTrouble(null);
  await waitForState(world, await boot(world, agent.uuid), 'active');
});

/** Numbers of remote_protocol.x. */
const PROCEDURES = {
  getVersion: 4,
  getState: 212,
  createWithFlags: 196,
  defineXMLFlags: 350,
  undefineFlags: 231,
  destroyFlags: 234,
};

describe('a reply that is lost', () => {
  /** Builds another instance. @returns what must hold after it, whichever reply was lost. */
  const buildAnother = async (): Promise<{ wasLost: boolean; trouble: Presence['trouble'] | undefined }> => {
    await waitForState(world, await boot(world, agent.uuid), 'active');
    return { wasLost: !proxy.isLosing, trouble: (await findPresence())?.trouble };
  };
  const fine = { wasLost: true, trouble: null };

  test('of a question: it is asked again', async () => {
    const instance = await boot(world, agent.uuid);
    await waitForState(world, instance, 'active');
    proxy.loseReply(PROCEDURES.getState);
    await askToDestroy(world, agent.uuid, instance);
    await waitForState(world, instance, 'deleted');
    expect(await buildAnother()).toEqual(fine);
  });

  test('of a question in a build: it is asked again, and the build goes on', async () => {
    proxy.loseReply(PROCEDURES.getState);
    const { fault } = await waitForState(world, await boot(world, agent.uuid), 'active');
    expect(fault).toBeNull();
    expect(await buildAnother()).toEqual(fine);
  });

  test('of its version, at the start of an agent: it may take as long as libvirt needs to ask QEMU, and is asked for again', async () => {
    proxy.loseReply(PROCEDURES.getVersion);
    await using other = await world.startAgent({
      config: {
        libvirt: { uri: `test+unix:///default?socket=${proxyPath()}` },
        network: { name: 'other', cidr: '10.81.0.0/24' },
        disks: { pool: 'other' },
        timeouts: { libvirt: 1, domain: 4 },
      },
    });
    const { err } = await other.waitForLog('waiting for the hypervisor');
    expect(err).toMatchObject({ message: expect.stringMatching(/connectionGetVersion .* within 4 s/) });
  });

  test('of a start: the guest runs, so the start is done', async () => {
    proxy.loseReply(PROCEDURES.createWithFlags);
    const { fault } = await waitForState(world, await boot(world, agent.uuid), 'active');
    expect(fault).toBeNull();
    expect(await buildAnother()).toEqual(fine);
  });

  test('of a definition: the build fails for a reason of this host, and the domain does not stay', async () => {
    proxy.loseReply(PROCEDURES.defineXMLFlags);
    const instance = await boot(world, agent.uuid);
    expect(await waitForState(world, instance, 'error')).toMatchObject({
      fault: {
        code: 'ECOMPUTE_DOMAIN_FAILED',
        step: 'define-domain',
        retryable: true,
        message: expect.stringContaining('libvirt did not return from domainDefineXML'),
      },
    });
    await expect(keeper.domainLookupByUUID(instance)).rejects.toMatchObject({ code: 'VIR_ERR_NO_DOMAIN' });
    expect(await heldBy(world, instance)).toEqual({});
    expect(await buildAnother()).toEqual(fine);
  });

  test.each(['destroyFlags', 'undefineFlags'] as const)('of %s in a destroy: it is done in the end', async (call) => {
    const instance = await boot(world, agent.uuid);
    await waitForState(world, instance, 'active');
    proxy.loseReply(PROCEDURES[call]);
    await askToDestroy(world, agent.uuid, instance);
    await waitForState(world, instance, 'deleted');
    await expect(keeper.domainLookupByUUID(instance)).rejects.toMatchObject({ code: 'VIR_ERR_NO_DOMAIN' });
    expect(await buildAnother()).toEqual(fine);
  });
});
