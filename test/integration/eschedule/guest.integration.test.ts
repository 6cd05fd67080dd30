import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startCloud, type TestCloud } from '../fixtures/eschedule-fixture.js';

/** What `eschedule boot` does with keys, user data and meta: all are checked before anything is allocated. */
let cloud: TestCloud;
beforeAll(async () => {
  cloud = await startCloud();
  const files = {
    'key.pub': `${KEY}\n`,
    'bad.pub': `# mine\n${KEY}\nssh-rsa AAAA\n`,
    'user-data': USER_DATA,
    'bad-user-data': '#cloud-config\nruncmd: [\n',
    'long-user-data': `#!/bin/sh\n${'#'.repeat(65_536)}`,
    // In JSON, a quote takes two bytes.
    'quotes-user-data': `#!/bin/sh\n${'"'.repeat(60_000)}`,
  };
  for (const [name, content] of Object.entries(files)) await writeFile(join(cloud.folder, name), content);
});
beforeEach(async () => cloud.reset());
afterAll(async () => cloud.stop());

const KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f me@example';
const OTHER = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB8eHRwbGhkYFxYVFBMSERAPDg0MCwoJCAcGBQQDAgEA you@example';
const USER_DATA = '#cloud-config\nruncmd: [[touch, /etc/secret-of-mine]]\n';

describe('boot', () => {
  test('puts keys, user data, meta and firmware into the boot request, and none of them into the record', async () => {
    await cloud.addHost({ name: 'one' });
    const guest = ['--ssh-key', 'key.pub', '--ssh-key', OTHER, '--user-data', 'user-data', '--meta', 'role=web'];
    const done = await cloud.eschedule(['boot', '--name', 'web1', '--no-wait', '--firmware', 'uefi', ...guest]);
    expect(done).toMatchObject({ code: 0 });
    const [request] = await cloud.listRequests();
    expect(request?.value).toMatchObject({
      name: 'web1',
      ssh_keys: [KEY, OTHER],
      user_data: USER_DATA,
      meta: { role: 'web' },
      firmware: 'uefi',
    });
    const { entries } = await cloud.store.list(cloud.keys.reports);
    expect(entries).toHaveLength(1);
    expect(entries[0]?.value).not.toMatch(/secret-of-mine|AAAAC3/);
    expect(done.stdout + done.stderr).not.toMatch(/secret-of-mine|AAAAC3/);
  });

  test('takes keys and user data of the config when none are typed', async () => {
    await cloud.addHost({ name: 'one' });
    const config = await cloud.writeConfig({ more: 'ssh_keys: [key.pub]\nuser_data: user-data\n' });
    expect(await cloud.eschedule(['boot', '--no-wait'], { config })).toMatchObject({ code: 0 });
    const [request] = await cloud.listRequests();
    expect(request?.value).toMatchObject({ ssh_keys: [KEY], user_data: USER_DATA });
  });

  test.each([
    [['--ssh-key', 'bad.pub'], "--ssh-key 'bad.pub:3' is not usable: the key is cut off"],
    [['--ssh-key', 'missing.pub'], "--ssh-key 'missing.pub' could not be read (ENOENT)"],
    [['--user-data', 'bad-user-data'], "--user-data 'bad-user-data' is not usable: line "],
    [['--user-data', 'long-user-data'], "--user-data 'long-user-data' is not usable: it has 65546 bytes"],
    [['--meta', 'role'], "--meta 'role' is not usable: expected KEY=VALUE"],
    [['--firmware', 'efi'], "--firmware 'efi' is not known"],
  ])('%j is a usage error, and nothing is left', async (argv, message) => {
    await cloud.addHost({ name: 'one' });
    const { code, stderr } = await cloud.eschedule(['boot', ...argv]);
    expect(stderr).toContain(message);
    expect(code).toBe(2);
    expect(await cloud.listLeftovers()).toEqual([]);
  });

  test('what is too large in sum is a usage error that names the parts and their sizes, and nothing is left', async () => {
    await cloud.addHost({ name: 'one' });
    const meta = Array.from({ length: 40 }, (_, index) => ['--meta', `k${index}=${'x'.repeat(4_000)}`]).flat();
    const { code, stderr } = await cloud.eschedule(['boot', '--user-data', 'quotes-user-data', ...meta]);
    expect(stderr).toMatch(
      /the boot request would be 27\d(\.\d)? KiB in etcd, and at most 256 KiB are allowed: metadata 156\.\d KiB, user data 117\.\d KiB\n/,
    );
    expect(code).toBe(2);
    expect(await cloud.listLeftovers()).toEqual([]);
    expect(await cloud.eschedule(['boot', '--user-data', 'quotes-user-data', '--no-wait'])).toMatchObject({ code: 0 });
  });

  test('user data of the config that is wrong is a failure, and nothing is left', async () => {
    await cloud.addHost({ name: 'one' });
    const config = await cloud.writeConfig({ more: 'user_data: bad-user-data\n' });
    const { code, stderr } = await cloud.eschedule(['boot'], { config });
    expect(stderr).toContain("the config's user_data 'bad-user-data' is not usable: line ");
    expect(code).not.toBe(0);
    expect(await cloud.listLeftovers()).toEqual([]);
  });
});
