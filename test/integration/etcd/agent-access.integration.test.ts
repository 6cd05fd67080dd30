import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { newProviderUuid } from '@etcd-compute/common/ids';
import { startEplacement } from '@etcd-compute/testing/eplacement';
import type { PlacementServer } from '@etcd-compute/testing/placement-server';
import { waitFor } from '@etcd-compute/testing/wait-for';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { start } from '../fixtures/eschedule-fixture.js';
import { allocateByHand, bootMessage, seenThrough, SMALL, startWorld, type World } from '../fixtures/agent-world.js';
import { hasPlacementService } from '../fixtures/counting.js';

/** An etcd with users, and clouds under a prefix: the agent reaches what is its own, and needs nothing else. */
const PREFIX = '/cloud1';
const host = newProviderUuid();
let world: World;
let passwordFile: string;
let counting: PlacementServer | undefined;

/** As root: what a scheduler and a person do. */
const etcdctl = async (...args: string[]): Promise<string> => world.etcdctl('--user=root:root-secret', ...args);

beforeAll(async () => {
  world = await startWorld();
  passwordFile = join(world.dir.path, 'password');
  await writeFile(passwordFile, 'agent-secret\n');
  await world.etcdctl('user', 'add', 'root:root-secret');
  await world.etcdctl('user', 'grant-role', 'root', 'root');
  await world.etcdctl('role', 'add', 'agent');
  for (const prefix of [`/hosts/${host}/`, `/reports/${host}/`, '/booted/', `/images/${host}/`])
    await world.etcdctl('role', 'grant-permission', 'agent', '--prefix=true', 'readwrite', PREFIX + prefix);
  if (!hasPlacementService)
    await world.etcdctl('role', 'grant-permission', 'agent', '--prefix=true', 'readwrite', `${PREFIX}/placement/`);
  for (const key of [`/agents/${host}`, `/sessions/${host}`, `/audits/${host}`, `/consoles/${host}`])
    await world.etcdctl('role', 'grant-permission', 'agent', 'readwrite', PREFIX + key);
  // One who may see all that is there, and no console.
  await world.etcdctl('role', 'add', 'viewer');
  for (const prefix of ['/hosts/', '/reports/', '/instances/', '/booted/', '/agents/', '/placement/'])
    await world.etcdctl('role', 'grant-permission', 'viewer', '--prefix=true', 'read', PREFIX + prefix);
  await world.etcdctl('user', 'add', 'viewer:viewer-secret');
  await world.etcdctl('user', 'grant-role', 'viewer', 'viewer');
  await world.etcdctl('user', 'add', 'agent:agent-secret');
  await world.etcdctl('user', 'grant-role', 'agent', 'agent');
  await world.etcdctl('auth', 'enable');
  if (hasPlacementService) return;
  const { host: etcdHost, port } = world.etcd;
  const asRoot = { host: etcdHost, port, prefix: PREFIX, user: 'root', password: 'root-secret' };
  counting = await startEplacement({ etcd: world.etcd, config: { etcd: asRoot } });
  world = seenThrough(world, counting);
});
afterAll(async () => {
  await counting?.stop();
  await world[Symbol.asyncDispose]();
});

const etcdAs = (user: Record<string, unknown>): Record<string, unknown> => ({
  host: world.etcdProxy.host,
  port: world.etcdProxy.port,
  prefix: PREFIX,
  ...user,
});

/** `eschedule logs` by one of etcd's users. */
const logsAs = async (user: string, password: string, instance: string): ReturnType<typeof start>['finished'] => {
  const config = join(world.dir.path, `schedule-${user}.yaml`);
  const etcd = { host: world.etcd.host, port: world.etcd.port, prefix: PREFIX, user, password };
  await writeFile(config, JSON.stringify({ etcd, placement: world.placement.section }));
  return start(['logs', instance, '--config', config], world.dir.path).finished;
};

const getValue = async (key: string): Promise<string> => (await etcdctl('get', '--print-value-only', key)).trim();

describe('an etcd with users', () => {
  test('an agent that may reach only its own keys boots and destroys, also after etcd has forgotten its token', async () => {
    await using agent = await world.startAgent({
      uuid: host,
      config: { etcd: etcdAs({ user: 'agent', password_file: passwordFile }), period: 1 },
    });
    for (const round of ['before', 'after']) {
      const message = bootMessage(host, { image: world.imageUrl });
      const { instance } = message;
      await allocateByHand(world, instance, { [host]: { resources: SMALL } });
      await etcdctl('put', `${PREFIX}/hosts/${host}/${instance}`, JSON.stringify(message));
      await waitFor(async () => (await getValue(`${PREFIX}/booted/${instance}`)) !== '', {
        what: `an address, ${round} etcd’s restart`,
      });
      await writeFile(join(agent.stateDir, 'consoles', `${instance}.log`), 'hello\n');
      expect(await logsAs('root', 'root-secret', instance)).toMatchObject({ code: 0, stdout: 'hello\n' });
      const refused = await logsAs('viewer', 'viewer-secret', instance);
      expect(refused).toMatchObject({ code: 1, stdout: '' });
      expect(refused.stderr).toContain(`could not get ${PREFIX}/consoles/${host} in etcd`);
      const held = await world.request('GET', `/allocations/${instance}`);
      const destroy = { ...Object(held), allocations: {}, instance, image: null };
      await etcdctl('put', `${PREFIX}/hosts/${host}/${instance}`, JSON.stringify(destroy));
      await waitFor(
        async () => (await getValue(`${PREFIX}/reports/${host}/${instance}`)).includes('"state":"deleted"'),
        {
          what: `the record to be deleted, ${round} etcd’s restart`,
        },
      );
      expect(await getValue(`${PREFIX}/hosts/${host}/${instance}`)).toBe('');
      // etcd keeps its users' tokens in memory.
      await world.etcd.kill('SIGKILL');
      await world.etcd.restart();
    }
    const log = JSON.stringify(await agent.readLog());
    expect(log).not.toContain('agent-secret');
    expect(await agent.stop()).toEqual({ code: 0, signal: null });
  });

  test.each([
    ['a wrong password', { user: 'agent', password: 'wrong' }],
    ['no user', {}],
  ])('%s: the agent says that etcd refused, and waits', async (_what, user) => {
    await using agent = await world.startAgent({ config: { etcd: etcdAs(user) }, until: 'running' });
    const { err } = await agent.waitForLog(`waiting for etcd at ${world.etcdProxy.endpoint}`);
    expect(err).toMatchObject({ code: 'ECOMPUTE_ETCD_REFUSED', hint: 'check etcd.user, its password and its role' });
    expect(await agent.stop()).toEqual({ code: 0, signal: null });
  });

  test('a password file that is missing ends the start, and is named with its key', async () => {
    await rm(passwordFile);
    await using agent = await world.startAgent({
      config: { etcd: etcdAs({ user: 'agent', password_file: passwordFile }) },
      until: 'running',
    });
    expect(await agent.exit()).toEqual({ code: 1, signal: null });
    const said = (await agent.readLog()).map(({ msg }) => msg).join('\n');
    expect(said).toContain(`could not read ${passwordFile}, named by etcd.password_file`);
  });
});
