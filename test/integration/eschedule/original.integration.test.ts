import { newInstanceUuid } from '@etcd-compute/common/ids';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { hasPlacementService } from '../fixtures/counting.js';
import { startCloud, startPlacementFront, type TestCloud } from '../fixtures/eschedule-fixture.js';

let cloud: TestCloud;
beforeAll(async () => {
  cloud = await startCloud();
});
afterEach(async () => cloud.reset());
afterAll(async () => cloud.stop());

const RESOURCES = 'resources=VCPU:1,DISK_GB:1,MEMORY_MB:256';

describe('the original’s command lines', () => {
  test('resources: the query, then the target and the instance', async () => {
    const host = await cloud.addHost({ name: 'alpha' });
    const { code, stdout, stderr } = await cloud.eschedule([RESOURCES, 'http://x/a.img']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const [request] = await cloud.listRequests();
    expect(stdout).toBe(`${RESOURCES}\nNOTIFIED TARGET, ${host}, OF INSTANCE ${request?.instance}\n`);
    expect(request?.value).toMatchObject({
      allocations: { [host]: { resources: { VCPU: 1, DISK_GB: 1, MEMORY_MB: 256 } } },
      consumer_generation: null,
      image: 'http://x/a.img',
    });
  });

  test('resources without an image boots CirrOS', async () => {
    await cloud.addHost({ name: 'alpha' });
    await cloud.eschedule([RESOURCES]);
    const image = 'http://download.cirros-cloud.net/0.3.6/cirros-0.3.6-x86_64-disk.img';
    expect(await cloud.listRequests()).toMatchObject([{ value: { image } }]);
  });

  test('resources on a host whose agent shows no sign of life, as the original’s: a request, and no record', async () => {
    await cloud.addHost({ name: 'alpha', agent: 'none' });
    const { code, stdout } = await cloud.eschedule([RESOURCES]);
    expect(code).toBe(0);
    expect(stdout).toContain('NOTIFIED TARGET, ');
    expect((await cloud.store.list(cloud.keys.reports)).entries).toEqual([]);
  });

  test('resources without room: NO ALLOCATIONS LEFT, exit 1, nothing left', async () => {
    await cloud.addHost({ name: 'alpha', vcpus: 2 });
    const typed = 'resources=VCPU:8,DISK_GB:1,MEMORY_MB:256';
    const { code, stdout, stderr } = await cloud.eschedule([typed]);
    expect(code).toBe(1);
    expect(stdout).toBe(`${typed}\nNO ALLOCATIONS LEFT\nFAIL: no allocation available\n`);
    expect(stderr).toContain('alpha: VCPU: asked 8, free 2 of 2');
    expect(await cloud.listLeftovers()).toEqual([]);
  });

  test('more of Placement’s query is passed on as typed', async () => {
    await cloud.addHost({ name: 'alpha' });
    const { code, stdout, stderr } = await cloud.eschedule([`${RESOURCES}&required=HW_CPU_X86_AVX2`]);
    expect(code).toBe(1);
    expect(stdout).toContain('NO ALLOCATIONS LEFT\n');
    expect(stderr).toContain('alpha: lacks trait HW_CPU_X86_AVX2');
  });

  test('a query that Placement refuses: FAIL with its reason, exit 1, nothing left', async () => {
    await cloud.addHost({ name: 'alpha' });
    const { code, stdout } = await cloud.eschedule(['resources=NOSUCH:1']);
    expect(code).toBe(1);
    expect(stdout).toMatch(/^resources=NOSUCH:1\nFAIL: \{.*No such resource class NOSUCH.*\}\n$/);
    expect(await cloud.listLeftovers()).toEqual([]);
  });

  test.runIf(hasPlacementService)('an allocation that is refused: CLAIM FAIL, then the next host', async () => {
    const hosts = [await cloud.addHost({ name: 'alpha', vcpus: 4 }), await cloud.addHost({ name: 'beta', vcpus: 2 })];
    let taken = 0;
    await using front = await startPlacementFront(cloud.placementServer.endpoint, {
      answer: async (method, path) => {
        if (method === 'PUT' && path.startsWith('/allocations/') && (taken += 1) === 1)
          await cloud.eschedule(['boot', '--vcpus', '4', '--no-wait']);
        return undefined;
      },
    });
    const config = await cloud.writeConfig({ placement: front.endpoint });
    const { code, stdout } = await cloud.eschedule([RESOURCES], { config });
    expect(code).toBe(0);
    const [query, claim, notified] = stdout.split('\n');
    expect(query).toBe(RESOURCES);
    expect(claim).toMatch(/^CLAIM FAIL: \{.*would exceed the capacity.*\}$/);
    expect(notified).toContain(`NOTIFIED TARGET, ${hosts[1]}, OF INSTANCE `);
  });

  test('a uuid: its address and exit 0, or no IP and exit 1', async () => {
    const instance = newInstanceUuid();
    const before = await cloud.eschedule([instance]);
    expect(before).toEqual({ code: 1, stdout: `Instance ${instance} acquired no IP\n`, stderr: '' });
    await cloud.put(cloud.keys.booted(instance), '192.0.2.9');
    expect(await cloud.eschedule([instance])).toEqual({ code: 0, stdout: '192.0.2.9\n', stderr: '' });
  });

  test('a uuid whose build failed: the reason is told on standard error', async () => {
    await cloud.addHost({ name: 'alpha' });
    await cloud.eschedule(['boot', '--no-wait']);
    const { instance } = await cloud.waitForRequest();
    const fault = {
      code: 'ECOMPUTE_DISK_FAILED',
      message: 'the pool is full',
      step: null,
      hint: null,
      retryable: false,
    };
    await cloud.report(instance, 'error', { fault });
    expect(await cloud.eschedule([instance])).toEqual({
      code: 1,
      stdout: `Instance ${instance} acquired no IP\n`,
      stderr: 'eschedule: its state is error: the pool is full\n',
    });
  });

  test('without a word: help, exit 0', async () => {
    const { code, stdout } = await cloud.eschedulePlain([]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^Examples:\n {2}eschedule boot /);
  });
});
