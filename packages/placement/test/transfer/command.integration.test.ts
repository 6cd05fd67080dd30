import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { randomUUID } from 'node:crypto';
import { etcdSection } from '@etcd-compute/common/config/sections';
import { createKeys } from '@etcd-compute/common/etcd/keys';
import { openStore, type Store } from '@etcd-compute/common/etcd/store';
import { silentLogger } from '@etcd-compute/common/log';
import { replaceAllocations } from '@etcd-compute/placement/engine/allocations/replace-allocations';
import { replaceInventories } from '@etcd-compute/placement/engine/inventories/change-inventories';
import { readInventories } from '@etcd-compute/placement/engine/inventories/read-inventory';
import { createProvider } from '@etcd-compute/placement/engine/providers/create-provider';
import { openEtcdStore } from '@etcd-compute/placement/store/etcd-store';
import { startEplacement } from '@etcd-compute/testing/eplacement';
import { startEtcd } from '@etcd-compute/testing/etcd-server';
import type { PlacementServer } from '@etcd-compute/testing/placement-server';
import { createResources, type Resources } from '@etcd-compute/testing/resources';
import { makeTempDir, type TempDir } from '@etcd-compute/testing/temp-dir';
import { waitFor } from '@etcd-compute/testing/wait-for';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { aRequest } from '../a-world.js';
import { run, writeConfig } from '../server/serving.js';
import { uuidOf } from './a-cloud.js';

/** `eplacement import` and `eplacement export` as programs: killed when they are writing, and run again. */

const [HOSTS, CONSUMERS] = [20, 600];
const DONE = `${HOSTS} resource providers and ${CONSUMERS} consumers are on both sides, and nothing differs\n`;
const PROGRAM = new URL('../../bin/eplacement.js', import.meta.url).pathname;

let resources: Resources;
let dir: TempDir;
let etcd: Store;
let address: { readonly host: string; readonly port: number };
let source: PlacementServer;
beforeAll(async () => {
  resources = createResources();
  dir = resources.keep(await makeTempDir('transfer'));
  address = resources.keep(await startEtcd());
  etcd = resources.keep(await openStore(etcdSection.parse({ host: address.host, port: address.port })));
  await fill('/source');
  source = resources.keep(await startEplacement({ etcd: address, prefix: '/source' }));
});
afterAll(async () => resources[Symbol.asyncDispose]());

const fill = async (prefix: string): Promise<void> => {
  await using store = await openEtcdStore({
    store: etcd,
    prefix: createKeys(prefix).placement,
    log: silentLogger(),
  });
  for (let index = 0; index < HOSTS; index += 1)
    await store.write((draft) => {
      const uuid = uuidOf('c0', index);
      createProvider(draft, { uuid, name: `host${index}`, parent: null });
      const inventories = readInventories({ VCPU: { total: 100 } });
      replaceInventories(draft, uuid, { inventories, generation: 0, mayReserveAll: true });
    });
  await Promise.all(
    Array.from({ length: CONSUMERS }, async (_, index) =>
      store.write((draft) =>
        replaceAllocations(draft, [
          aRequest(randomUUID(), { type: 'INSTANCE', allocations: { [uuidOf('c0', index % HOSTS)]: { VCPU: 1 } } }),
        ]),
      ),
    ),
  );
};

const configOf = async (prefix: string): Promise<string> =>
  writeConfig(dir, { etcd: { host: address.host, port: address.port, prefix } });

/** Kills it as soon as something is there. @returns whether it was still at work. */
const killWhenWriting = async (args: readonly string[], prefix: string): Promise<boolean> => {
  const child = spawn(PROGRAM, [...args], { stdio: 'ignore' });
  const ended = once(child, 'exit');
  const consumers = `${createKeys(prefix).placement}c/`;
  await waitFor(async () => child.exitCode !== null || (await etcd.count(consumers)) > 0, {
    what: 'consumers to be written',
    intervalMs: 1,
  });
  child.kill('SIGKILL');
  await ended;
  return child.signalCode === 'SIGKILL';
};

test('an import that is killed is not served; run again, it ends', async () => {
  const config = await configOf('/imported');
  const args = ['import', '--from', source.endpoint, '--config', config];
  expect(await killWhenWriting(args, '/imported')).toBe(true);
  const again = await run(...args);
  expect(again).toMatchObject({ code: 0, stdout: DONE });
  await using server = await startEplacement({ etcd: address, prefix: '/imported' });
  expect(await run('import', '--from', server.endpoint, '--config', await configOf('/copied'))).toMatchObject({
    code: 0,
    stdout: DONE,
  });
  // Now that it holds something else, it is not touched.
  const refused = await run('import', '--from', source.endpoint, '--config', await configOf('/copied'));
  expect(refused).toMatchObject({ code: 1, stdout: '' });
  expect(refused.stderr).toContain(`it holds what was imported from ${server.endpoint}`);
});

test('an export that is killed ends when it is run again', async () => {
  await using target = await startEplacement({ etcd: address, prefix: '/exported' });
  const args = ['export', '--to', target.endpoint, '--parallel', '1', '--config', await configOf('/source')];
  expect(await killWhenWriting(args, '/exported')).toBe(true);
  expect(await run(...args)).toMatchObject({ code: 0, stdout: DONE });
});

test('where no Placement answers, it says so and what to check', async () => {
  const { code, stderr } = await run('import', '--from', 'http://127.0.0.1:1', '--config', await configOf('/nothing'));
  expect(code).toBe(1);
  expect(stderr).toContain('Placement at http://127.0.0.1:1 did not answer');
  expect(stderr).toContain('hint: check that Placement runs there, and --from; then run it again');
});
