import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { hasPlacementService } from '../fixtures/counting.js';
import {
  parseJson,
  startCloud,
  startPlacementFront,
  type FrontReply,
  type TestCloud,
} from '../fixtures/eschedule-fixture.js';

let cloud: TestCloud;
beforeAll(async () => {
  cloud = await startCloud();
});
afterEach(async () => cloud.reset());
afterAll(async () => cloud.stop());

describe('a command line that is wrong: exit 2, nothing is sent', () => {
  // Every other mistake is told in the same way; the scheduler's unit tests have them all.
  test('memory 0', async () => {
    await cloud.addHost({ name: 'alpha' });
    const { code, stdout, stderr } = await cloud.eschedule(['boot', '--memory', '0']);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toBe(
      'eschedule: --memory 0 is not usable: expected an amount above zero in whole MiB, such as 512, 512M or 2G\nhint: nothing has been sent\n',
    );
    expect(await cloud.listLeftovers()).toEqual([]);
  });

  test('an image of the original’s form that is no http(s) URL', async () => {
    const { code, stdout, stderr } = await cloud.eschedule(['resources=VCPU:1', 'file:///etc/passwd']);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain("the image 'file:///etc/passwd' is not usable");
  });
});

describe('a config that is wrong: exit 2', () => {
  test('an unknown key is named with file and line, also in ./schedule.yaml', async () => {
    const path = join(cloud.folder, 'schedule.yaml');
    await writeFile(path, 'etcd:\n  host: localhost\n  prot: 2379\nplacment: {}\n');
    const { code, stderr } = await cloud.eschedulePlain(['list']);
    await writeFile(path, '');
    expect(code).toBe(2);
    expect(stderr).toContain('schedule.yaml:3: etcd.prot: unknown key');
    expect(stderr).toContain('schedule.yaml:4: placment: unknown key');
  });

  test('a file that is not there', async () => {
    const { code, stderr } = await cloud.eschedulePlain(['list', '--config', '/nowhere/schedule.yaml']);
    expect(code).toBe(2);
    expect(stderr).toContain('could not read the config /nowhere/schedule.yaml');
  });

  test('a wrong value from the environment is named by its variable', async () => {
    const { code, stderr } = await cloud.eschedulePlain(['list'], { ESCHEDULE_RETRIES: '-1' });
    expect(code).toBe(2);
    expect(stderr).toContain('environment ESCHEDULE_RETRIES');
  });
});

describe('services that do not answer as they should: exit 1, nothing is left', () => {
  test('etcd is not there', async () => {
    await cloud.addHost({ name: 'alpha' });
    const config = await cloud.writeConfig({ etcdPort: 1 });
    for (const argv of [['boot'], ['list'], ['destroy', 'web']]) {
      const { code, stdout, stderr } = await cloud.eschedule(argv, { config });
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
      expect(stderr).toMatch(/^eschedule: could not (list|get) .* in etcd at http:\/\/127\.0\.0\.1:1: /);
      expect(stderr).toContain('hint: check that etcd runs there');
    }
    expect(await cloud.listLeftovers()).toEqual([]);
  });

  test.runIf(hasPlacementService)('Placement is not there', async () => {
    const config = await cloud.writeConfig({ placement: 'http://127.0.0.1:1' });
    const { code, stderr } = await cloud.eschedule(['boot', '--no-wait'], { config });
    expect(code).toBe(1);
    expect(stderr).toMatch(/Placement at http:\/\/127\.0\.0\.1:1 did not answer: .*ECONNREFUSED/);
  });

  const STRANGE: readonly { name: string; reply: FrontReply; errorCode: string }[] = [
    { name: '401', reply: { status: 401, body: '{}' }, errorCode: 'ECOMPUTE_PLACEMENT_UNAUTHORIZED' },
    { name: '404', reply: { status: 404, body: 'no such page' }, errorCode: 'ECOMPUTE_PLACEMENT_NOT_FOUND' },
    { name: '500', reply: { status: 500, body: '' }, errorCode: 'ECOMPUTE_PLACEMENT_FAILED' },
    { name: 'HTML', reply: { status: 200, body: '<html>Welcome</html>' }, errorCode: 'ECOMPUTE_PLACEMENT_BAD_REPLY' },
    { name: 'other JSON', reply: { status: 200, body: '{"a": 1}' }, errorCode: 'ECOMPUTE_PLACEMENT_BAD_REPLY' },
  ];
  test.runIf(hasPlacementService).each(STRANGE)(
    'Placement answers $name to the first question',
    async ({ reply, errorCode }) => {
      await using front = await startPlacementFront(cloud.placementServer.endpoint, { answer: () => reply });
      await cloud.addHost({ name: 'alpha' });
      const config = await cloud.writeConfig({ placement: front.endpoint });
      const { code, stdout, stderr } = await cloud.eschedule(['boot', '--no-wait', '-o', 'json'], { config });
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
      expect(parseJson(stderr)).toMatchObject({ code: errorCode, message: expect.stringContaining(front.endpoint) });
      expect(await cloud.listLeftovers()).toEqual([]);
    },
  );

  test.runIf(hasPlacementService).each(STRANGE.filter(({ name }) => name !== 'other JSON' && name !== 'HTML'))(
    'Placement answers $name to the allocation',
    async ({ reply, errorCode }) => {
      await using front = await startPlacementFront(cloud.placementServer.endpoint, {
        answer: (method) => (method === 'PUT' ? reply : undefined),
      });
      await cloud.addHost({ name: 'alpha' });
      const config = await cloud.writeConfig({ placement: front.endpoint });
      const { code, stderr } = await cloud.eschedule(['boot', '--no-wait', '-o', 'json'], { config });
      expect(code).toBe(1);
      expect(parseJson(stderr)).toMatchObject({ code: errorCode });
      expect(await cloud.listLeftovers()).toEqual([]);
    },
  );

  test('a resource class that Placement does not know', async () => {
    await cloud.addHost({ name: 'alpha' });
    const { code, stderr } = await cloud.eschedule(['boot', '--resources', 'NOSUCH:1', '--no-wait']);
    expect(code).toBe(1);
    expect(stderr).toContain('Invalid resource class in resources parameter: No such resource class NOSUCH.');
    expect(await cloud.listLeftovers()).toEqual([]);
  });

  test('a resource string that is none', async () => {
    await cloud.addHost({ name: 'alpha' });
    const { code, stderr } = await cloud.eschedule(['boot', '--resources', 'VCPU=1', '--no-wait']);
    expect(code).toBe(1);
    expect(stderr).toContain('Invalid query string parameters');
    expect(stderr).not.toContain('Failed validating');
    expect(await cloud.listLeftovers()).toEqual([]);
  });
});
