import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { newInstanceUuid, newProviderUuid, type InstanceUuid } from '@etcd-compute/common/ids';
import { connect, type Connection } from '@etcd-compute/libvirt/connection';
import type { Ecompute } from '@etcd-compute/testing/ecompute';
import { restoreSnapshot, saveSnapshot } from '@etcd-compute/testing/etcd-snapshot';
import { startLibvirtd, type LibvirtDaemon } from '@etcd-compute/testing/libvirt-daemon';
import { runCommand } from '@etcd-compute/testing/run-command';
import { waitFor } from '@etcd-compute/testing/wait-for';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  allocateByHand,
  boot,
  findRecord,
  heldBy,
  hostOf,
  SMALL,
  startWorld,
  waitForRecord,
  waitForState,
  type World,
} from '../fixtures/agent-world.js';
import { hasPlacementService } from '../fixtures/counting.js';

/**
 * An agent that is given another etcd, another libvirt or another state folder, by a wrong setting, a missing mount or a restored backup:
 * it does nothing, says what is wrong, and goes on when the right one is back, or when a person has accepted the other.
 */
let world: World;
let libvirtd: LibvirtDaemon;
/** libvirtd's own test driver: its domains outlive an agent. */
let uri: string;
let connection: Connection;
let agent: Ecompute;

beforeAll(async () => {
  world = await startWorld();
  libvirtd = await startLibvirtd({ dir: await makeDir('v') });
  uri = testUri(libvirtd);
  connection = await connect(uri);
});
afterAll(async () => {
  await connection.close();
  await libvirtd.stop();
  await world[Symbol.asyncDispose]();
});

const makeDir = async (name: string): Promise<string> => {
  const dir = join(world.dir.path, name);
  await mkdir(dir);
  return dir;
};
const testUri = ({ uri: real }: LibvirtDaemon): string => real.replace('qemu+unix:///system', 'test+unix:///default');

/** Each agent in a folder of its own, on the one libvirtd: each needs a network and a pool of its own. */
const startAgent = async (config: Readonly<Record<string, unknown>> = {}): Promise<Ecompute> => {
  const name = `n${randomUUID().slice(0, 8)}`;
  const number = agents++;
  return world.startAgent({
    config: {
      libvirt: { uri },
      period: 0.5,
      audit: { grace: 1 },
      network: { name, cidr: `10.80.${number}.0/24` },
      disks: { pool: name },
      ...config,
    },
  });
};
let agents = 0;

const bootActive = async (): Promise<InstanceUuid> => {
  const instance = await boot(world, agent.uuid);
  await waitForRecord(world, instance, ({ state, addresses }) => state === 'active' && addresses.length > 0);
  return instance;
};

const domainState = async (instance: InstanceUuid): Promise<string> => {
  await using domain = await connection.domainLookupByUUID(instance);
  return (await domain.getState()).state;
};

/** Changes the config for the next start. */
const configure = async (change: Readonly<Record<string, unknown>>): Promise<void> => {
  const config: object = JSON.parse(await readFile(agent.configPath, 'utf8'));
  await writeFile(agent.configPath, JSON.stringify({ ...config, ...change }));
};

const ECOMPUTE = join(import.meta.dirname, '../../../packages/agent/bin/ecompute.js');

const accept = async (server: 'etcd' | 'libvirt'): Promise<string> => {
  const { stderr } = await runCommand([ECOMPUTE, '--config', agent.configPath, '--accept-change', server]);
  return stderr;
};

const codeOf = (line: { readonly [field: string]: unknown }): unknown => Object(line['err'])['code'];

/** The agent has met another one, and waits. */
const waitForRefusal = async (code: string, msg: string): Promise<string> => {
  const line = await agent.waitForLog(msg, (candidate) => codeOf(candidate) === code);
  return String(Object(line['err'])['message']);
};
const waitForOtherEtcd = async (): Promise<string> =>
  waitForRefusal('ECOMPUTE_ETCD_CHANGED', `waiting for etcd at ${world.etcdProxy.endpoint}`);
const waitForOtherLibvirt = async (): Promise<string> =>
  waitForRefusal('ECOMPUTE_LIBVIRT_CHANGED', 'no connection to libvirt, trying again; guests keep running');

/** What the host shows to keep it from working. */
const waitForTrouble = async (code: string): Promise<void> => {
  await waitFor(
    async () => {
      const entry = await world.store.get(world.keys.agent(hostOf(agent)));
      return entry !== undefined && JSON.parse(entry.value).trouble?.code === code;
    },
    { what: `the host to show ${code}` },
  );
};

const isReady = ({ msg }: { msg: string }): boolean => msg === 'ecompute is ready';
const countReady = async (): Promise<number> => (await agent.readLog()).filter(isReady).length;
const waitForReadyAgain = async (before: number): Promise<void> => {
  await waitFor(async () => (await countReady()) > before, { what: 'the agent to be ready again' });
};

/** Of an instance that etcd has forgotten. Where etcd counts room, that is forgotten with it. */
const expectRoom = async (instance: InstanceUuid): Promise<void> =>
  expect(Object.keys(await heldBy(world, instance))).toHaveLength(hasPlacementService ? 1 : 0);

describe('etcd', () => {
  beforeEach(async () => {
    agent = await startAgent();
    return async () => agent[Symbol.asyncDispose]();
  });

  test('restored from a backup under the agent: guests that are younger keep their domain and their room', async () => {
    const older = await bootActive();
    const snapshot = join(world.dir.path, `${randomUUID()}.db`);
    await saveSnapshot(world.etcd, snapshot);
    const younger = await bootActive();
    const ready = await countReady();
    await restoreSnapshot([world.etcd], snapshot);
    const line = await agent.waitForLog('etcd is another one, waiting for the right one; guests keep running');
    expect(line['err']).toMatchObject({ message: expect.stringMatching(/has gone back from revision \d+ to \d+/) });
    await waitForOtherEtcd();
    expect((await agent.readLog()).some(({ msg }) => msg.startsWith('allocation without'))).toBe(false);

    expect(await accept('etcd')).toContain('the etcd that ecompute meets next is taken');
    await waitForReadyAgain(ready);
    await agent.waitForLog('domain or disk without a boot request, left as it is', isAbout(younger));
    // An allocation without a guest shows that the grace is over.
    const orphan = newInstanceUuid();
    await allocateByHand(world, orphan, { [agent.uuid]: { resources: SMALL } });
    await agent.waitForLog('allocation without a boot request released', isAbout(orphan));
    for (const instance of [older, younger]) expect(await domainState(instance)).toBe('running');
    expect(await heldBy(world, older)).not.toEqual({});
    await expectRoom(younger);
    expect(await findRecord(world, older)).toMatchObject({ state: 'active', fault: null });
  });

  test('restored from a backup while no agent was there: the next start waits, over and over, until it is accepted', async () => {
    const snapshot = join(world.dir.path, `${randomUUID()}.db`);
    await saveSnapshot(world.etcd, snapshot);
    const instance = await bootActive();
    await agent.stop();
    await restoreSnapshot([world.etcd], snapshot);
    await agent.restart('running');
    await waitForOtherEtcd();
    // The revision grows beyond the one that was seen.
    for (let count = 0; count < 60; count += 1) await world.etcdctl('put', '/unrelated', String(count));
    await agent.restart('running');
    expect(await waitForOtherEtcd()).toContain('went back in time');
    expect(await countReady()).toBe(0);
    await accept('etcd');
    await agent.waitForLog('ecompute is ready');
    expect(await domainState(instance)).toBe('running');
    await expectRoom(instance);
  });

  test('emptied: nothing is taken from guests that run', async () => {
    const instance = await bootActive();
    await world.etcdctl('del', '--prefix', '');
    await agent.waitForLog('domain or disk without a boot request, left as it is', isAbout(instance));
    await agent.waitForLog('presence taken again');
    const orphan = newInstanceUuid();
    await allocateByHand(world, orphan, { [agent.uuid]: { resources: SMALL } });
    await agent.waitForLog('allocation without a boot request released', isAbout(orphan));
    expect(await domainState(instance)).toBe('running');
    await expectRoom(instance);
    await waitForTrouble('guests-forgotten');
  });

  test('with another prefix: the agent waits, and goes on with the right one', async () => {
    const instance = await bootActive();
    await agent.stop();
    await configure({ etcd: { host: world.etcdProxy.host, port: world.etcdProxy.port, prefix: '/mistyped' } });
    await agent.restart('running');
    expect(await waitForOtherEtcd()).toBe("etcd.prefix is '/mistyped', and the keys of this host are under ''");
    expect((await world.store.listKeys('/mistyped/')).entries).toEqual([]);
    await agent.stop();
    await configure({ etcd: { host: world.etcdProxy.host, port: world.etcdProxy.port } });
    await agent.restart();
    expect(await findRecord(world, instance)).toMatchObject({ state: 'active' });
  });

  test('another one is taken without a word where there are no guests', async () => {
    await agent.stop();
    await configure({ etcd: { host: world.etcdProxy.host, port: world.etcdProxy.port, prefix: '/other' } });
    await agent.restart();
    expect((await agent.readLog()).map(({ msg }) => msg)).toContain(
      'etcd is another one, and is taken: there are no guests on this host',
    );
    await agent.restart();
    expect((await agent.readLog()).map(({ msg }) => msg)).not.toContain(
      'etcd is another one, and is taken: there are no guests on this host',
    );
  });
});

describe('libvirt', () => {
  test('another one, without our domains: no record changes, and the right one makes all as it was', async () => {
    await using empty = await startLibvirtd({ dir: await makeDir('w') });
    agent = await startAgent();
    await using _agent = agent;
    const instance = await bootActive();
    const before = await findRecord(world, instance);
    await agent.stop();
    await configure({ libvirt: { uri: testUri(empty) } });
    await agent.restart('running');
    expect(await waitForOtherLibvirt()).toContain('is not the one that this host belongs to');
    await agent.stop();
    expect(await findRecord(world, instance)).toEqual(before);
    await configure({ libvirt: { uri } });
    await agent.restart();
    expect(await findRecord(world, instance)).toMatchObject({ state: 'active', fault: null });
  });

  test('one that has lost all under the agent is refused until it is accepted', async () => {
    await using own = await startLibvirtd({ dir: await makeDir('x') });
    agent = await startAgent({ libvirt: { uri: testUri(own) } });
    await using _agent = agent;
    const instance = await bootActive();
    const before = await findRecord(world, instance);
    await own.restart(); // the test driver forgets everything
    await waitForOtherLibvirt();
    await waitForTrouble('libvirt-unusable');
    expect(await findRecord(world, instance)).toEqual(before);
    expect(await accept('libvirt')).toContain('the libvirt that ecompute meets next is taken');
    await waitForState(world, instance, 'error');
    expect(await heldBy(world, instance)).not.toEqual({});
  });
});

describe('the state folder', () => {
  test.each(['configured', 'kept'] as const)(
    'empty in place of the mounted one, with a uuid that is %s: no start',
    async (how) => {
      agent = await startAgent();
      await using _agent = agent;
      const instance = await bootActive();
      await agent.stop();
      if (how === 'kept') {
        const { uuid: _uuid, ...others } = JSON.parse(await readFile(agent.configPath, 'utf8'));
        await writeFile(agent.configPath, JSON.stringify(others));
      }
      await rename(agent.stateDir, `${agent.stateDir}.unmounted`);
      await agent.restart('running');
      expect(await agent.exit()).toMatchObject({ code: 1 });
      const said = (await agent.readLog()).map(({ msg }) => msg).join('\n');
      expect(said).toMatch(
        how === 'kept' ? /this host is now .*, but domain/ : /the state folder .* is empty, but domain/,
      );
      await runCommand(['rm', '-r', agent.stateDir]);
      await rename(`${agent.stateDir}.unmounted`, agent.stateDir);
      await agent.restart();
      expect(await findRecord(world, instance)).toMatchObject({ state: 'active' });
      expect((await readFile(join(agent.stateDir, 'uuid'), 'utf8')).trim()).toBe(agent.uuid);
    },
  );

  test('is used by one agent at a time: another with another uuid does not start', async () => {
    agent = await startAgent();
    await using _agent = agent;
    const other = await makeDir(randomUUID());
    const config: object = JSON.parse(await readFile(agent.configPath, 'utf8'));
    await using second = await world.startAgent({
      dir: other,
      uuid: newProviderUuid(),
      config: { ...config, uuid: newProviderUuid(), name: 'second', state_dir: agent.stateDir },
      until: 'running',
    });
    expect(await second.exit()).toMatchObject({ code: 1 });
    const said = (await second.readLog()).map(({ msg }) => msg).join('\n');
    expect(said).toContain(`the state folder ${agent.stateDir} is in use by another agent: pid ${agent.pid}`);
    await agent.stop();
    await second.restart();
  });
});

const isAbout =
  (instance: InstanceUuid) =>
  (line: { readonly [field: string]: unknown }): boolean =>
    line['instanceUuid'] === instance;
