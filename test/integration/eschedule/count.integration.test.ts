import { startTcpProxy } from '@etcd-compute/testing/tcp-proxy';
import { waitFor } from '@etcd-compute/testing/wait-for';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { hasPlacementService } from '../fixtures/counting.js';
import {
  parseJson,
  startCloud,
  startPlacementFront,
  type FrontHooks,
  type TestCloud,
} from '../fixtures/eschedule-fixture.js';

/** `eschedule boot --count`: many are placed by few calls, and what became of each is told, whatever goes wrong in between. */
let cloud: TestCloud;
beforeAll(async () => {
  cloud = await startCloud();
});
afterEach(async () => cloud.reset());
afterAll(async () => cloud.stop());

interface Booted {
  instance: string;
  name: string | null;
  host: string;
}

/** Allocations, requests, records, locations and names of the same instances, on the same hosts, and nothing else. */
const expectPlaced = async (stdout: string): Promise<void> => {
  const booted: Booted[] = JSON.parse(stdout);
  const uuids = booted.map(({ instance }) => instance).toSorted();
  expect((await cloud.listAllocations()).toSorted()).toEqual(uuids);
  const requests = await cloud.listRequests();
  const byInstance = new Map(requests.map(({ host, instance }) => [instance, host]));
  for (const { instance, host } of booted) expect([...byInstance]).toContainEqual([instance, host]);
  expect(requests).toHaveLength(booted.length);
  expect(await cloud.listLeftovers()).toHaveLength(5 * booted.length);
};

const isBatch = (method: string, path: string): boolean => method === 'POST' && path === '/allocations';
const isSingle = (method: string, path: string): boolean => method === 'PUT' && path.startsWith('/allocations/');

/** eschedule with something between it and Placement that counts writes. */
const bootThrough = async (argv: readonly string[], hooks: FrontHooks = {}) => {
  const writes: string[] = [];
  await using front = await startPlacementFront(cloud.placementServer.endpoint, {
    ...hooks,
    answer: (method, path) => {
      if (isBatch(method, path)) writes.push('batch');
      if (isSingle(method, path)) writes.push('single');
      return hooks.answer?.(method, path);
    },
  });
  const config = await cloud.writeConfig({ placement: front.endpoint });
  const done = await cloud.eschedule(['boot', '--no-wait', '-o', 'json', ...argv], { config });
  return { ...done, writes };
};

/** The same with nothing in between, where nothing is between them. */
const bootMany: typeof bootThrough = async (argv) =>
  hasPlacementService
    ? bootThrough(argv)
    : { ...(await cloud.eschedule(['boot', '--no-wait', '-o', 'json', ...argv])), writes: [] };

const CONFLICT = {
  status: 409,
  body: JSON.stringify({ errors: [{ status: 409, code: 'placement.undefined_code', detail: 'x\n\n no room there' }] }),
};

test('a hundred on three hosts: four calls allocate for all of them', async () => {
  const hosts = [];
  for (const name of ['alpha', 'beta', 'gamma'])
    hosts.push(await cloud.addHost({ name, vcpus: 40, memoryMiB: 40_000 }));
  const { code, stdout, writes } = await bootMany(['--count', '100', '--name', 'web']);
  expect(code).toBe(0);
  expect(writes).toEqual(hasPlacementService ? ['batch', 'batch', 'batch', 'batch'] : []);
  await expectPlaced(stdout);
  const counts = await Promise.all(hosts.map(async (host) => (await cloud.allocationsOn(host)).length));
  expect(counts.toSorted((a, b) => a - b)).toEqual([33, 33, 34]);
});

test.runIf(hasPlacementService)('a conflict splits a batch, down to single ones', async () => {
  await cloud.addHost({ name: 'alpha', vcpus: 40 });
  const { code, stdout, writes } = await bootThrough(['--count', '4'], {
    answer: (method, path) => (isBatch(method, path) ? CONFLICT : undefined),
  });
  expect(code).toBe(0);
  expect(writes).toEqual(['batch', 'batch', 'single', 'single', 'batch', 'single', 'single']);
  await expectPlaced(stdout);
});

test.runIf(hasPlacementService)(
  'a host that others fill meanwhile: those that fit are placed, and the rest is told',
  async () => {
    await cloud.addHost({ name: 'alpha', vcpus: 8 });
    let isFirst = true;
    const { code, stdout, stderr } = await bootThrough(['--count', '8'], {
      answer: async (method, path) => {
        if (isBatch(method, path) && isFirst) {
          isFirst = false;
          await cloud.eschedule(['boot', '--vcpus', '3', '--name', 'other', '--no-wait']);
        }
        return undefined;
      },
    });
    expect(code).toBe(3);
    expect(parseJson(stdout)).toHaveLength(5);
    expect(parseJson(stderr)).toMatchObject({ details: { asked: 8, unplaced: 3 } });
    expect(await cloud.listAllocations()).toHaveLength(6);
    expect(await cloud.listRequests()).toHaveLength(6);
  },
);

test.runIf(hasPlacementService)(
  'a lost reply: what Placement holds is released, nothing is left, and all are told',
  async () => {
    await cloud.addHost({ name: 'alpha', vcpus: 8 });
    const { code, stdout, stderr } = await bootThrough(['--count', '4'], {
      beforeReply: (method, path) => (isBatch(method, path) ? 'drop' : 'send'),
    });
    expect({ code, stdout: parseJson(stdout) }).toEqual({ code: 1, stdout: [] });
    expect(stderr).toContain('could not place 4 of 4 instances');
    expect(await cloud.listLeftovers()).toEqual([]);
  },
);

test.runIf(hasPlacementService)(
  'etcd goes away after the allocation: it is released, nothing is left, and all are told',
  async () => {
    await cloud.addHost({ name: 'alpha', vcpus: 8 });
    await using proxy = await startTcpProxy(cloud.etcd);
    await using front = await startPlacementFront(cloud.placementServer.endpoint, {
      beforeReply: async (method, path): Promise<'send'> => {
        if (isBatch(method, path)) {
          await proxy.refuse(true);
          proxy.cutAll();
        }
        return 'send';
      },
    });
    const config = await cloud.writeConfig({ placement: front.endpoint, etcdPort: proxy.port });
    const { code, stderr } = await cloud.eschedule(['boot', '--no-wait', '--count', '4'], { config });
    expect(code).toBe(1);
    expect(stderr).toContain('could not place 4 of 4 instances');
    await waitFor(async () => (await cloud.listLeftovers()).length === 0, { what: 'nothing to be left' });
  },
);

test('requests too large for one txn are written in several', async () => {
  await cloud.addHost({ name: 'alpha', vcpus: 40, memoryMiB: 40_000 });
  const meta = Array.from({ length: 30 }, (_, index) => ['--meta', `k${index}=${'x'.repeat(4_000)}`]).flat();
  const { code, stdout } = await bootMany(['--count', '20', ...meta]);
  expect(code).toBe(0);
  await expectPlaced(stdout);
});
