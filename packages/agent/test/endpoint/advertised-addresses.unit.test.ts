import { networkInterfaces } from 'node:os';
import { listAdvertisedAddresses } from '@etcd-compute/common/endpoint/advertised-addresses';
import { agentConfigSchema } from '@etcd-compute/agent/config/config';
import { describe, expect, test } from 'vitest';

const list = async (endpoint: Record<string, unknown>, etcd: Record<string, unknown> = {}, except: string[] = []) => {
  const config = agentConfigSchema.parse({ endpoint, etcd: { host: '127.0.0.1', ...etcd } });
  return listAdvertisedAddresses(config.endpoint, { etcd: config.etcd, except: new Set(except) });
};

const ofThisMachine = Object.values(networkInterfaces()).flatMap((all) => all ?? []);
const outside = ofThisMachine
  .filter(({ internal, family }) => !internal && family === 'IPv4')
  .slice(0, 1)
  .map(({ address }) => address);
const hasIpv6 = ofThisMachine.some(({ address }) => address === '::1');

describe('listAdvertisedAddresses', () => {
  test('is what the config says, else the one address that is listened at', async () => {
    expect(await list({ advertise: ['compute-1.example', 'fd00::5'], listen: '10.20.0.5' })).toEqual([
      'compute-1.example',
      'fd00::5',
    ]);
    expect(await list({ listen: '10.20.0.5' })).toEqual(['10.20.0.5']);
  });

  test('begins with the way to etcd, and has the other addresses of the host too', async () => {
    const found = await list({});
    expect(found[0]).toBe('127.0.0.1');
    expect(found).toEqual(expect.arrayContaining(outside));
    expect(await list({}, {}, outside)).toEqual(found.filter((address) => !outside.includes(address)));
    expect(found.filter((address) => /^(fe80|169\.254)/.test(address))).toEqual([]);
    expect(new Set(found).size).toBe(found.length);
  });

  test.runIf(hasIpv6)('by IPv6 where etcd is reached so', async () => {
    expect((await list({}, { hosts: ['http://[::1]:2379'] }))[0]).toBe('::1');
    expect(await list({ listen: '0.0.0.0' }, { hosts: ['http://[::1]:2379'] })).not.toContain('::1');
  });

  test('an etcd whose name nobody knows is no reason to fail', async () => {
    expect(await list({}, { host: 'no-such-name.invalid' })).not.toContain(undefined);
  });

  test.each([{ listen: 'eth0' }, { advertise: [] }, { advertise: ['a b'] }, { tunnel_ports: [0] }, { port: 70_000 }])(
    'the config refuses %j',
    (endpoint) => {
      expect(agentConfigSchema.safeParse({ endpoint }).success).toBe(false);
    },
  );
});
