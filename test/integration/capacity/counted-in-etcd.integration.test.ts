/** A cloud without a Placement service: agents and schedulers count room in etcd, and room is taken with the request that it is for. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Capacity } from '@etcd-compute/common/capacity/capacity';
import { etcdSection } from '@etcd-compute/common/config/sections';
import { createKeys } from '@etcd-compute/common/etcd/keys';
import { openStore, type Store } from '@etcd-compute/common/etcd/store';
import { instanceUuidSchema, type InstanceUuid } from '@etcd-compute/common/ids';
import { createEtcdCapacity } from '@etcd-compute/placement/capacity/etcd-capacity';
import { startEcompute, type Ecompute } from '@etcd-compute/testing/ecompute';
import { startEtcd, type EtcdServer } from '@etcd-compute/testing/etcd-server';
import { startImageServer, type ImageServer } from '@etcd-compute/testing/image-server';
import { makeTempDir, type TempDir } from '@etcd-compute/testing/temp-dir';
import { waitFor } from '@etcd-compute/testing/wait-for';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { hostOf, rawImage } from '../fixtures/agent-world.js';
import { parseJson, start } from '../fixtures/eschedule-fixture.js';

const keys = createKeys('');
/** Nobody listens there: who asks a Placement service all the same is found out. */
const NOWHERE = { endpoint: 'http://127.0.0.1:1' };

let dir: TempDir;
let etcd: EtcdServer;
let images: ImageServer;
let store: Store;
let capacity: Capacity;
const agents: Ecompute[] = [];

beforeAll(async () => {
  dir = await makeTempDir('counted-in-etcd');
  const image = join(dir.path, 'tiny.raw');
  await writeFile(image, rawImage());
  [etcd, images] = await Promise.all([startEtcd(), startImageServer({ tiny: image })]);
  store = await openStore(etcdSection.parse({ host: etcd.host, port: etcd.port, timeout: 60 }));
  capacity = createEtcdCapacity({ store, keys });
  const config = {
    etcd: { host: etcd.host, port: etcd.port, timeout: 60 },
    placement: 'etcd',
    image: images.url('tiny'),
  };
  await writeFile(join(dir.path, 'schedule.yaml'), JSON.stringify(config));
  for (const name of ['compute-1', 'compute-2'])
    agents.push(
      await startEcompute({
        etcd,
        placement: NOWHERE,
        config: { name, placement: 'etcd', period: 1, inventory: { VCPU: { allocation_ratio: 20 } } },
      }),
    );
});
afterAll(async () => {
  for (const agent of agents) await agent[Symbol.asyncDispose]();
  await store.close();
  await Promise.all([etcd.stop(), images.stop()]);
  await dir[Symbol.asyncDispose]();
});
afterEach(async () => {
  const all = await list();
  if (all.length > 0) await eschedule('destroy', ...all.map(({ instance }) => instance), '--wait');
});

const eschedule = async (...argv: string[]): ReturnType<typeof start>['finished'] => start(argv, dir.path).finished;

const succeed = async (...argv: string[]): Promise<string> => {
  const { code, stdout, stderr } = await eschedule(...argv);
  expect({ argv, code, stderr }).toMatchObject({ code: 0 });
  return stdout;
};

interface Listed {
  readonly instance: InstanceUuid;
  readonly host: string;
  readonly state: string;
}

const list = async (): Promise<Listed[]> => Object(parseJson(await succeed('list', '-o', 'json')));

const holders = async (): Promise<InstanceUuid[]> =>
  (await Promise.all(agents.map(async (agent) => [...(await capacity.consumersOn(hostOf(agent))).keys()]))).flat();

test('boot, list, resize, stop and destroy; what is held is what is there', async () => {
  await succeed('boot', '--name', 'web', '--memory', '64M', '--disk', '1', '--wait');
  const [web] = await list();
  expect(web).toMatchObject({ state: 'active' });
  const instance = instanceUuidSchema.parse(web?.instance);
  expect(await holders()).toEqual([instance]);
  await succeed('resize', 'web', '--memory', '128M', '--restart', '--wait');
  const held = await capacity.read(instance);
  expect(Object.values(held.allocations)).toEqual([{ resources: { VCPU: 1, MEMORY_MB: 128, DISK_GB: 1 } }]);
  expect(held).toMatchObject({ projectId: 'default', consumerType: 'INSTANCE' });
  await succeed('stop', 'web', '--hard', '--wait');
  await succeed('destroy', 'web', '--wait');
  expect(await holders()).toEqual([]);
  await succeed('audit');
});

test('many at once, by several callers, all find their place', async () => {
  const boots = ['a', 'b', 'c', 'd'].map(async (name) =>
    succeed('boot', '--name', name, '--count', '10', '--memory', '64M', '--disk', '1', '--wait'),
  );
  await Promise.all(boots);
  const all = await list();
  expect(all).toHaveLength(40);
  expect((await holders()).toSorted()).toEqual(all.map(({ instance }) => instance).toSorted());
});

test('a host that is drained offers nothing; what is off moves to the other one', async () => {
  await succeed('boot', '--name', 'db', '--memory', '64M', '--disk', '1', '--wait');
  await succeed('stop', 'db', '--hard', '--wait');
  const [before] = await list();
  await succeed('host', 'drain', before?.host ?? '', '--wait');
  const [after] = await list();
  expect(after).toMatchObject({ instance: before?.instance, state: 'stopped' });
  expect(after?.host).not.toBe(before?.host);
  expect(await holders()).toEqual([before?.instance]);
  await succeed('host', 'undrain', before?.host ?? '');
});

test('more than there is: no host, with the numbers', async () => {
  const refused = await eschedule('boot', '--name', 'huge', '--vcpus', '1000', '--disk', '1');
  expect(refused).toMatchObject({ code: 3 });
  expect(refused.stderr).toContain('VCPU');
  expect(await holders()).toEqual([]);
});

test('an agent whose host is gone is given up, with its room', async () => {
  await succeed('boot', '--name', 'lost', '--memory', '64M', '--disk', '1', '--wait');
  const [lost] = await list();
  const agent = agents.find(({ uuid }) => uuid === lost?.host);
  agent?.kill('SIGKILL');
  await waitFor(async () => (await eschedule('destroy', 'lost', '--force')).code === 0, {
    what: 'the host to be down',
  });
  expect(await holders()).toEqual([]);
  await agent?.restart();
});
