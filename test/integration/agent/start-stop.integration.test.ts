import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { presenceSchema, type Presence } from '@etcd-compute/common/etcd/messages/presence';
import { parseMessage } from '@etcd-compute/common/etcd/messages/parse-message';
import { getInventories } from '@etcd-compute/common/placement/resource-providers';
import type { Ecompute } from '@etcd-compute/testing/ecompute';
import { startHttpProxy } from '@etcd-compute/testing/http-proxy';
import { startTcpProxy } from '@etcd-compute/testing/tcp-proxy';
import { waitFor } from '@etcd-compute/testing/wait-for';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  askToDestroy,
  boot,
  findRecord,
  heldBy,
  hostOf,
  startWorld,
  waitForState,
  type World,
} from '../fixtures/agent-world.js';
import { hasPlacementService } from '../fixtures/counting.js';

/** How an agent starts, stops, is killed and comes back, and what it leaves for the next one. */
let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(async () => world[Symbol.asyncDispose]());

/** An image whose download hangs until it is released. */
const hangingImage = (name: string): { url: string; release: () => void } => {
  world.images.setFile(name, join(world.dir.path, 'tiny.raw'));
  world.images.setFault(name, 'hang');
  return { url: world.images.url(name), release: () => world.images.setFault(name, undefined) };
};

/** How long the agent would wait for builds if it ignored its config. */
const DEFAULT_SHUTDOWN_MS = 60_000;

const presenceOf = async (agent: Ecompute): Promise<Presence | undefined> => {
  const entry = await world.store.get(world.keys.agent(hostOf(agent)));
  return entry && parseMessage(presenceSchema, entry.key, entry.value);
};

const reservedVcpus = async (agent: Ecompute): Promise<{ reserved?: number; total?: number }> => {
  const { inventories } = await getInventories(world.client, hostOf(agent));
  const { reserved, total } = inventories['VCPU'] ?? {};
  return { ...(reserved !== undefined && { reserved }), ...(total !== undefined && { total }) };
};

/** `ecompute` until it ends by itself. */
const run = async (...args: string[]): Promise<{ code: number | null; stderr: string }> => {
  const program = new URL(import.meta.resolve('@etcd-compute/agent/bin/ecompute')).pathname;
  const child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
  let stderr = '';
  child.stderr.on('data', (chunk) => (stderr += String(chunk)));
  const [code]: (number | null)[] = await once(child, 'close');
  return { code: code ?? null, stderr };
};

describe.concurrent('a wrong start', () => {
  test('a config with an unknown key: exit 2, with file, line and key', async () => {
    const path = join(world.dir.path, 'wrong.yaml');
    await writeFile(path, 'name: x\nplacment:\n  endpoint: http://a\netcd: {port: many}\n');
    const { code, stderr } = await run('--config', path);
    expect(code).toBe(2);
    expect(stderr).toContain(`${path}:2: placment: unknown key`);
    expect(stderr).toContain(`${path}:4: etcd.port: `);
    expect(stderr).toContain('ecompute: hint: ');
    expect(stderr).not.toContain('    at ');
  });

  test.each([
    [['--config', '/no/such.yaml'], 1, 'could not read the config /no/such.yaml'],
    [['--confg', 'x'], 2, 'see ecompute --help'],
    [['--log-level', 'loud'], 2, 'flag for log.level: log.level: '],
  ])('%j: exit %i', async (...[args, code, said]) => {
    expect(await run(...args)).toMatchObject({ code, stderr: expect.stringContaining(said) });
  });
});

describe.concurrent('the order of starts', () => {
  test.runIf(hasPlacementService)(
    'an agent before its servers says which ones are missing, and goes on when they come',
    async () => {
      await using etcd = await startTcpProxy(world.etcd);
      await using placement = await startTcpProxy(world.placement);
      await etcd.refuse(true);
      await placement.refuse(true);
      await using agent = await world.startAgent({ etcd, placement, until: 'running' });
      await agent.waitForLog(`waiting for etcd at ${etcd.endpoint}`);
      await agent.waitForLog(`waiting for Placement at ${placement.endpoint}`);
      await placement.refuse(false);
      await agent.waitForLog(`Placement at ${placement.endpoint} is there`);
      const instance = await boot(world, agent.uuid).catch((error: unknown) => error);
      expect(instance).toMatchObject({ message: expect.stringContaining('answered 400') }); // nobody may place here yet
      await etcd.refuse(false);
      await agent.waitForLog('ecompute is ready');
      await waitForState(world, await boot(world, agent.uuid), 'active');
    },
  );

  test.runIf(hasPlacementService).each([
    [401, { 'content-type': 'text/plain' }, 'no', 'ECOMPUTE_PLACEMENT_UNAUTHORIZED'],
    [404, {}, 'nothing here', 'ECOMPUTE_PLACEMENT_NOT_FOUND'],
    [500, {}, 'broken', 'ECOMPUTE_PLACEMENT_FAILED'],
    [200, { 'content-type': 'text/html' }, '<html>It works!</html>', 'ECOMPUTE_PLACEMENT_BAD_REPLY'],
  ])('a Placement that answers %i: it says so and waits; SIGTERM ends the wait with exit 0', async (...answer) => {
    const [status, headers, body, code] = answer;
    const server = createServer((_request, response) => void response.writeHead(status, headers).end(body));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const endpoint = `http://127.0.0.1:${port}`;
    await using agent = await world.startAgent({ placement: { endpoint }, until: 'running' });
    const line = await agent.waitForLog(`waiting for Placement at ${endpoint}`);
    expect(line).toMatchObject({ level: 'warn', err: { code } });
    expect(await agent.stop()).toEqual({ code: 0, signal: null });
    server.close();
    server.closeAllConnections();
  });

  test('what the config says is what Placement holds, and what etcd shows', async () => {
    const group = 'a81aab46-3ffd-4bd4-8e6b-1c1c1c1c1c1c';
    await using agent = await world.startAgent({
      config: {
        name: 'compute-7',
        inventory: {
          VCPU: { allocation_ratio: 2, reserved: 1 },
          MEMORY_MB: { reserved: 100 },
          DISK_GB: { reserved: 3 },
        },
        traits: ['CUSTOM_TEST', 'HW_CPU_X86_AVX'],
        aggregates: [group],
      },
    });
    const path = `/resource_providers/${agent.uuid}`;
    expect(await world.request('GET', path)).toMatchObject({ name: 'compute-7' });
    expect((await getInventories(world.client, hostOf(agent))).inventories).toMatchObject({
      VCPU: { total: 16, reserved: 1, allocation_ratio: 2, max_unit: 16 }, // what libvirt's test driver says of its host
      MEMORY_MB: { total: 3072, reserved: 100, allocation_ratio: 1 },
      DISK_GB: { reserved: 3 },
    });
    expect(await world.request('GET', `${path}/traits`)).toMatchObject({
      traits: expect.arrayContaining(['CUSTOM_TEST', 'HW_CPU_X86_AVX']),
    });
    expect(await world.request('GET', `${path}/aggregates`)).toMatchObject({ aggregates: [group] });
    expect(await presenceOf(agent)).toMatchObject({
      host: agent.uuid,
      hostname: 'compute-7',
      state: 'up',
      hypervisor: { type: 'TEST', uri: 'test:///default' },
      process: { pid: agent.pid },
    });
  });
});

test('etcd that is away is said once, however often it is tried, and that it is back', async () => {
  await using etcd = await startTcpProxy(world.etcd);
  await using agent = await world.startAgent({ etcd, config: { log: { level: 'debug' } } });
  await etcd.refuse(true);
  etcd.cutAll();
  const linesOf = async (...levels: string[]): Promise<string[]> =>
    (await agent.readLog())
      .filter(({ level }) => levels.includes(level ?? ''))
      .map(({ msg, err }) => JSON.stringify([msg, err]));
  const isTry = (line: string): boolean => line.includes('boot requests not followed, trying again');
  await waitFor(async () => (await linesOf('debug')).filter(isTry).length >= 3, { what: 'some more tries' });
  const warned = await linesOf('warn', 'error');
  expect(warned.some(isTry)).toBe(true);
  expect(new Set(warned).size).toBe(warned.length);
  await etcd.refuse(false);
  await agent.waitForLog('boot requests are followed again');
  await agent.waitForLog('wishes about images are followed again');
});

describe.concurrent('SIGTERM', () => {
  test('locks the host, removes the presence, exits 0; the next start unlocks', async () => {
    await using agent = await world.startAgent({ config: { presence_ttl: 600 } });
    expect(await reservedVcpus(agent)).toMatchObject({ reserved: 0 });
    expect(await agent.stop()).toEqual({ code: 0, signal: null });
    const { reserved, total } = await reservedVcpus(agent);
    expect(reserved).toBe(total);
    expect(await presenceOf(agent)).toBeUndefined();
    await agent.restart();
    expect(await reservedVcpus(agent)).toMatchObject({ reserved: 0 });
    expect(await presenceOf(agent)).toMatchObject({ state: 'up' });
  });

  test.runIf(hasPlacementService)('locks the host also when Placement does not do so at once', async () => {
    await using placement = await startHttpProxy(world.placement);
    await using agent = await world.startAgent({ placement });
    placement.setFault({ kind: 'status', status: 500, body: '{}', writesOnly: true });
    agent.kill('SIGTERM');
    await agent.waitForLog('waiting for the lock of the inventory');
    placement.setFault(undefined);
    expect(await agent.exit()).toEqual({ code: 0, signal: null });
    const { reserved, total } = await reservedVcpus(agent);
    expect(reserved).toBe(total);
  });

  test('while ten builds wait for their image: draining, present and gone by the deadline; the next start finishes all', async () => {
    const image = hangingImage('while-draining');
    await using agent = await world.startAgent({ config: { timeouts: { shutdown: 5 }, presence_ttl: 3 } });
    const instances = await Promise.all(
      Array.from({ length: 10 }, async () => boot(world, agent.uuid, { image: image.url })),
    );
    for (const instance of instances) await waitForState(world, instance, 'building');
    const before = await waitFor(async () => presenceOf(agent), { what: 'the presence' });
    const startedAt = performance.now();
    agent.kill('SIGTERM');
    await waitFor(async () => (await presenceOf(agent))?.state === 'draining', { what: 'the host to drain' });
    await waitFor(async () => (await reservedVcpus(agent)).reserved === 16, { what: 'the lock' });
    // Longer than the lease: it is kept through the shutdown.
    const late = await boot(world, agent.uuid).catch((error: unknown) => error);
    expect(late).toMatchObject({ message: expect.stringContaining('answered 409') });
    await agent.waitForLog('shutdown continues without: finishing the running builds');
    expect(await agent.readLog()).not.toContainEqual(
      expect.objectContaining({ msg: 'shutdown continues without: giving up the lease' }),
    );
    expect(await agent.exit()).toEqual({ code: 0, signal: null });
    expect(performance.now() - startedAt).toBeLessThan(DEFAULT_SHUTDOWN_MS);
    for (const instance of instances) {
      expect(await findRecord(world, instance)).toMatchObject({ state: 'building', session: before.session });
      expect(await heldBy(world, instance)).not.toEqual({});
    }

    image.release();
    await agent.restart();
    for (const instance of instances) {
      const record = await waitForState(world, instance, 'active');
      expect(record.transitions.map(({ reason }) => reason)).toContain('taken up again after a restart');
    }
  });

  test('a second one ends it at once', async () => {
    const image = hangingImage('second-signal');
    await using agent = await world.startAgent({ config: { timeouts: { shutdown: 600 } } });
    const instance = await boot(world, agent.uuid, { image: image.url });
    await waitForState(world, instance, 'building');
    agent.kill('SIGTERM');
    await agent.waitForLog('locking inventory by reserving VCPU');
    agent.kill('SIGINT');
    expect(await agent.exit()).toEqual({ code: 1, signal: null });
    expect((await agent.readLog()).at(-1)?.msg).toBe('ecompute: second SIGINT, leaving at once');
  });
});

describe.concurrent('one uuid', () => {
  test('a second agent with it does not start, and names the first', async () => {
    await using first = await world.startAgent({ config: { presence_ttl: 3 } });
    await using second = await world.startAgent({
      uuid: first.uuid,
      config: { presence_ttl: 3, name: 'impostor' },
      until: 'running',
    });
    expect(await second.exit()).toEqual({ code: 1, signal: null });
    const said = (await second.readLog()).map(({ msg }) => msg).join('\n');
    expect(said).toContain(`host ${first.uuid} has a live agent already: pid ${first.pid} on ${first.uuid}`);
    expect(await presenceOf(first)).toMatchObject({ process: { pid: first.pid }, state: 'up' });
    await waitForState(world, await boot(world, first.uuid), 'active');
  });

  test('one that was frozen and replaced leaves when it wakes, and its successor goes on undisturbed', async () => {
    await using first = await world.startAgent({ config: { presence_ttl: 3 } });
    first.kill('SIGSTOP');
    await using second = await world.startAgent({ uuid: first.uuid, config: { presence_ttl: 3 } });
    first.kill('SIGCONT');
    expect(await first.exit()).toEqual({ code: 1, signal: null });
    const said = (await first.readLog()).map(({ msg }) => msg).join('\n');
    expect(said).toContain(`has a live agent already: pid ${second.pid} on`);
    expect(await presenceOf(second)).toMatchObject({ process: { pid: second.pid }, state: 'up' });
    expect(await reservedVcpus(second)).toMatchObject({ reserved: 0 });
    await waitForState(world, await boot(world, second.uuid), 'active');
  });

  test('after SIGKILL the next one takes over at once, and finishes what was begun', async () => {
    const image = hangingImage('killed');
    await using agent = await world.startAgent({ config: { presence_ttl: 600 } });
    const building = await boot(world, agent.uuid, { image: image.url });
    await waitForState(world, building, 'building');
    const killed = await presenceOf(agent);
    agent.kill('SIGKILL');
    await agent.exit();
    const whileDead = await boot(world, agent.uuid);
    const unwanted = await boot(world, agent.uuid);
    await askToDestroy(world, agent.uuid, unwanted);
    expect(await presenceOf(agent)).toEqual(killed); // the lease still has ten minutes
    image.release();
    await agent.restart();
    expect((await presenceOf(agent))?.session).not.toBe(killed?.session);
    await waitForState(world, building, 'active');
    await waitForState(world, whileDead, 'active');
    await waitForState(world, unwanted, 'deleted');
    expect(await heldBy(world, unwanted)).toEqual({});
  });

  test('a presence that someone deletes is written again', async () => {
    await using agent = await world.startAgent({ config: { presence_ttl: 3 } });
    // By the lease's end it may be away for a moment, where agent and etcd are slow.
    const before = await waitFor(async () => presenceOf(agent), { what: 'the presence' });
    await world.etcdctl('del', `/agents/${agent.uuid}`);
    expect(await waitFor(async () => presenceOf(agent), { what: 'the presence again' })).toEqual(before);
  });
});
