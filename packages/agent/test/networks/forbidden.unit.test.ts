import { agentConfigSchema } from '@etcd-compute/agent/config/config';
import { createNameWatch, listForbidden } from '@etcd-compute/agent/networks/forbidden';
import { silentLogger } from '@etcd-compute/common/log';
import { expect, test, vi } from 'vitest';

const watch = (warn = vi.fn<() => void>()) =>
  createNameWatch({ everyMs: 1000, log: Object.assign(silentLogger(), { warn }), now: () => 0 });

test('the servers of the config are denied, by name, address or URL, and a name that does not exist stops nothing', async () => {
  const warn = vi.fn<() => void>();
  const { etcd, placement } = agentConfigSchema.parse({
    etcd: { hosts: ['http://localhost:2379', 'http://[2001:db8::5]:2379', 'http://nowhere.invalid:2379'] },
    placement: { endpoint: 'http://198.51.100.6:8778/placement' },
  });
  const options = { deny: ['10.0.0.0/8', '10.1.0.0/16'], etcd, placement, bridge: 'none' };
  const resolve = watch(warn);
  const denied = await listForbidden(options, resolve);
  expect(denied).toEqual(expect.arrayContaining(['10.0.0.0/8', '198.51.100.6', '2001:db8::5', '169.254.0.0/16']));
  expect(denied.some((address) => ['127.0.0.1', '::1'].includes(address))).toBe(true);
  expect(denied).not.toContain('10.1.0.0/16');
  await listForbidden(options, resolve);
  expect(warn).toHaveBeenCalledTimes(1);
});
