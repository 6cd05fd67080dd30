import { createDiskAudit } from '@etcd-compute/agent/audits/disks';
import type { Things } from '@etcd-compute/agent/audits/ours';
import { createHealth } from '@etcd-compute/agent/session/health';
import { newInstanceUuid } from '@etcd-compute/common/ids';
import { silentLogger } from '@etcd-compute/common/log';
import { expect, test } from 'vitest';

const whole: Things = { domain: { isActive: true }, hasDisk: true };
const without: Things = { domain: { isActive: false }, hasConfigDrive: true };
const leftover: Things = { hasDisk: true };

test('most disks gone at once is trouble, one is not, and it is over when they are back', async () => {
  const health = createHealth({ onChange: () => undefined, log: silentLogger() });
  const audit = createDiskAudit({ steps: { pool: { name: 'p', folder: '/disks' } }, health });
  const look = async (...all: readonly Things[]): Promise<string | undefined> => {
    const ours = new Map(all.map((things) => [newInstanceUuid(), things]));
    await audit.run({
      getOurs: () => ours,
      getHolders: () => new Set(),
      requests: new Set(),
      requestsMeanwhile: new Set(),
      shelvedHolders: new Set(),
    });
    return health.trouble?.message;
  };
  expect(await look(whole, without, leftover)).toBeUndefined();
  expect(await look(whole, without, without)).toBe(
    'the disks of 2 of 3 guests are not in /disks: is its file system mounted?',
  );
  expect(await look(whole, whole, without)).toBeUndefined();
  expect(await look()).toBeUndefined();
});
