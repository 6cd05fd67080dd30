import { etcdSection, placementSection } from '@etcd-compute/common/config/sections';
import { EcomputeError } from '@etcd-compute/common/errors';
import { openStore, type Store } from '@etcd-compute/common/etcd/store';
import { silentLogger } from '@etcd-compute/common/log';
import { openPlacement, type PlacementClient } from '@etcd-compute/common/placement/client';
import { createProvider } from '@etcd-compute/placement/engine/providers/create-provider';
import { createApp } from '@etcd-compute/placement/http/app';
import { trustHeaders } from '@etcd-compute/placement/http/caller';
import { createPolicy, POLICY_DEFAULTS } from '@etcd-compute/placement/http/policy/policy';
import { createRoutes } from '@etcd-compute/placement/http/routes/routes';
import { openEtcdStore } from '@etcd-compute/placement/store/etcd-store';
import { createMemoryStore } from '@etcd-compute/placement/store/memory-store';
import { exportCloud } from '@etcd-compute/placement/transfer/export';
import { importCloud, type TransferResult } from '@etcd-compute/placement/transfer/import';
import { startEtcd } from '@etcd-compute/testing/etcd-server';
import { startPlacement } from '@etcd-compute/testing/placement-server';
import { createResources, type Resources } from '@etcd-compute/testing/resources';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CONSUMERS, generationOf, HOSTS, makeCloud, sender, uuidOf } from './a-cloud.js';

/**
 * A cloud moves from OpenStack's Placement to etcd, and from there to another one of OpenStack's. In pieces it moves between our own servers,
 * which are faster.
 */

const PROVIDERS = 4 * HOSTS + 2;
const MOVED: TransferResult = { providers: PROVIDERS, consumers: CONSUMERS, differences: [] };

let resources: Resources;
let etcd: Store;
/** Where the cloud is at first. */
let openstack: PlacementClient;
let ours: PlacementClient;
beforeAll(async () => {
  resources = createResources();
  const server = resources.keep(await startEtcd());
  etcd = resources.keep(await openStore(etcdSection.parse({ host: server.host, port: server.port })));
  [openstack, ours] = [await newOpenstack(), await newOurs()];
  await Promise.all([makeCloud(openstack), makeCloud(ours)]);
});
afterAll(async () => resources[Symbol.asyncDispose]());

const clientOf = async (endpoint: string): Promise<PlacementClient> => {
  const client = await openPlacement(placementSection.parse({ endpoint }));
  resources.defer(async () => client.close());
  return client;
};
const newOpenstack = async (): Promise<PlacementClient> => clientOf(resources.keep(await startPlacement()).endpoint);
const newOurs = async (): Promise<PlacementClient> => {
  const store = createMemoryStore();
  const config = { authenticate: trustHeaders, policy: createPolicy(POLICY_DEFAULTS) };
  const app = createApp({ routes: createRoutes({}), store, config });
  resources.defer(async () => app.close());
  return clientOf(await app.listen({ host: '127.0.0.1', port: 0 }));
};

let count = 0;
const newPrefix = (): string => {
  count += 1;
  return `/placement${count}/`;
};
const options = { parallel: 4, onProgress: () => undefined };
const importInto = async (prefix: string, store: Store = etcd, client = ours): Promise<TransferResult> =>
  importCloud({ client, store, prefix, ...options });
const open = async (prefix: string) => openEtcdStore({ store: etcd, prefix, log: silentLogger() });

/** Whether it can be used, or why not. */
const openingOf = async (prefix: string): Promise<string> => {
  try {
    await using _store = await open(prefix);
    return 'it can be used';
  } catch (err) {
    return messageOf(err);
  }
};

const KILLED = 'it is killed here';
const messageOf = (err: unknown): string => (err instanceof Error ? err.message : String(err));

/** Fails when it has written so many times: half of the writes are done all the same. */
const failingStore = (writes: number): Store => {
  let left = writes;
  return {
    ...etcd,
    txn: async (guards, changes) => {
      left -= 1;
      const isDone = left > 0 || writes % 2 === 0;
      const reply = isDone ? await etcd.txn(guards, changes) : undefined;
      if (left > 0 && reply) return reply;
      throw new EcomputeError('ECOMPUTE_ETCD_UNREACHABLE', KILLED);
    },
  };
};

const failingClient = (client: PlacementClient, writes: number): PlacementClient => {
  let left = writes;
  return {
    ...client,
    send: async (request) => {
      if (request.method !== 'GET') left -= 1;
      if (left < 0) throw new EcomputeError('ECOMPUTE_PLACEMENT_UNREACHABLE', KILLED);
      const reply = await client.send(request);
      if (left === 0 && request.method !== 'GET') throw new EcomputeError('ECOMPUTE_PLACEMENT_UNREACHABLE', KILLED);
      return reply;
    },
  };
};

describe('import', () => {
  test('all is there afterwards, with its generations, and can be worked with', async () => {
    const prefix = newPrefix();
    expect(await importInto(prefix, etcd, openstack)).toEqual(MOVED);
    await using store = await open(prefix);
    const host = uuidOf('c0', 3);
    const facts = await store.read((view) => ({
      generation: view.usage(host).generation,
      vcpu: view.usage(host).used['VCPU'],
      root: view.rootOf(uuidOf('e0', 3)),
      types: [...view.consumerTypes().keys()].toSorted(),
      sharing: [...view.withTrait('MISC_SHARES_VIA_AGGREGATE')],
      consumerGenerations: [0, 1, 2, 3].map((index) => view.consumer(uuidOf('1', index))?.generation),
    }));
    expect(facts).toEqual({
      generation: await generationOf(openstack, host),
      vcpu: 2 * 33,
      root: host,
      types: ['INSTANCE', 'MIGRATION'],
      sharing: [uuidOf('b00', 0)],
      consumerGenerations: [1, 2, 3, 4],
    });
  });

  test('broken off anywhere, nobody begins to use what is there, and the next one ends it', async () => {
    const prefix = newPrefix();
    const kills: string[][] = [];
    let moved: TransferResult | undefined;
    // Each gets a little further, or ends it.
    for (let writes = 1; moved === undefined; writes += 1)
      moved = await importInto(prefix, failingStore(writes)).catch(async (err: unknown) => {
        kills.push([messageOf(err), await openingOf(prefix)]);
        return undefined;
      });
    expect(moved).toEqual(MOVED);
    expect(kills.length).toBeGreaterThan(2);
    // The first one has written nothing, and the last one all.
    for (const kill of kills.slice(1, -1))
      expect(kill).toEqual([KILLED, expect.stringContaining('an import into it has not ended')]);
    await using store = await open(prefix);
    expect(await store.read((view) => view.providerCount())).toBe(PROVIDERS);
  });

  test('repeated after the source has changed, it brings what differs and takes away what has gone', async () => {
    const prefix = newPrefix();
    await importInto(prefix);
    const send = sender(ours);
    const extra = uuidOf('f1', 0);
    await send('POST', '/resource_providers', { uuid: extra, name: 'extra' });
    expect(await importInto(prefix)).toEqual({ ...MOVED, providers: PROVIDERS + 1 });
    await send('DELETE', `/resource_providers/${extra}`);
    expect(await importInto(prefix)).toEqual(MOVED);
    const { entries } = await etcd.listKeys(prefix);
    expect(entries.filter(({ key }) => key.includes(extra))).toEqual([]);
  });

  test('what others have written is not touched', async () => {
    const prefix = newPrefix();
    await importInto(prefix);
    {
      await using store = await open(prefix);
      await store.write((draft) => createProvider(draft, { uuid: uuidOf('f2', 0), name: 'ours', parent: null }));
    }
    await expect(importInto(prefix)).rejects.toMatchObject({
      code: 'ECOMPUTE_TRANSFER_REFUSED',
      message: expect.stringContaining('it was written to after it was imported'),
    });
    const other = newPrefix();
    {
      await using store = await open(other);
      await store.write((draft) => createProvider(draft, { uuid: uuidOf('f2', 0), name: 'ours', parent: null }));
    }
    await expect(importInto(other)).rejects.toThrow('it is not empty');
  });
});

describe('export', () => {
  let prefix: string;
  beforeAll(async () => {
    prefix = newPrefix();
    await importInto(prefix);
  });
  const exportTo = async (client: PlacementClient): Promise<TransferResult> =>
    exportCloud({ client, store: etcd, prefix, ...options });

  test('all is there afterwards, also what would not be allocated now', async () => {
    const target = await newOpenstack();
    expect(await exportTo(target)).toEqual(MOVED);
    // There is nothing left to do.
    const generation = await generationOf(target, uuidOf('c0', 1));
    expect(await exportTo(target)).toEqual(MOVED);
    expect(await generationOf(target, uuidOf('c0', 1))).toBe(generation);
  });

  test('broken off anywhere, the next one ends it', async () => {
    const target = await newOurs();
    let kills = 0;
    let moved: TransferResult | undefined;
    for (; moved === undefined; kills += 1)
      moved = await exportTo(failingClient(target, 17)).catch((err: unknown) => {
        if (messageOf(err) !== KILLED) throw err;
        return undefined;
      });
    expect(moved).toEqual(MOVED);
    expect(kills).toBeGreaterThan(3);
  });

  test('to where something else is, nothing is written', async () => {
    const target = await newOurs();
    const foreign = uuidOf('f3', 0);
    await sender(target)('POST', '/resource_providers', { uuid: foreign, name: 'theirs' });
    await expect(exportTo(target)).rejects.toMatchObject({
      code: 'ECOMPUTE_TRANSFER_REFUSED',
      message: expect.stringContaining(`resource providers that are not in etcd: ${foreign} (theirs)`),
    });
    await sender(target)('DELETE', `/resource_providers/${foreign}`);
    expect(await exportTo(target)).toEqual(MOVED);
  });
});
