import { agentConfigSchema } from '@etcd-compute/agent/config/config';
import { tokenRulesOf } from '@etcd-compute/agent/config/metadata';
import { describe, expect, test } from 'vitest';

describe('agentConfigSchema', () => {
  test('everything has a default but the uuid, which is made', () => {
    const config = agentConfigSchema.parse({});
    expect(config).toMatchObject({
      state_dir: '/var/lib/ecompute',
      resize: true,
      libvirt: { uri: 'qemu:///system' },
      etcd: { host: 'localhost', port: 2379 },
      placement: { endpoint: 'http://localhost:8080', token: 'admin' },
    });
    expect(config.uuid).toBeUndefined();
    expect(agentConfigSchema.safeParse({ network: { cidr6: 'fd00:45::/64' } }).success).toBe(true);
    expect(config.name).not.toBe('');
  });

  test('takes the original’s compute.yaml', () => {
    const original = {
      uuid: 'C1A6523E-c50a-42c2-8952-f2d3a8479e99',
      etcd: { host: 'ds1' },
      placement: { endpoint: 'http://ds1:8080' },
      resize: false,
      bridge: 'br0',
    };
    expect(agentConfigSchema.parse(original)).toMatchObject({
      ...original,
      uuid: 'c1a6523e-c50a-42c2-8952-f2d3a8479e99',
    });
  });

  test.each([
    [{ metadata: true }, { ec2: true, openstack: true }],
    // cloud-init reads those then, and knows no token.
    [
      { metadata: true, guests: { config_drive: 'none' } },
      { ec2: true, openstack: false },
    ],
    [
      { metadata: { token: 'required' }, guests: { config_drive: 'none' } },
      { ec2: true, openstack: true },
    ],
    [{ metadata: { token: 'optional' } }, { ec2: false, openstack: false }],
  ])('%j needs a token: %j', (config, rules) => {
    expect(tokenRulesOf(agentConfigSchema.parse(config))).toEqual(rules);
  });

  test.each([
    [{ uuid: 'host1' }],
    [{ state_dir: 'relative' }],
    [{ state_dir: '/a\u0001b' }],
    [{ bridge: 'a name of more than fifteen' }],
    [{ bridge: 'br 0' }],
    [{ network: { name: '-x' } }],
    [{ network: { name: 'a/b' } }],
    [{ network: { cidr: '10.0.0.0' } }],
    [{ network: { cidr: '10.0.0.0/33' } }],
    [{ network: { cidr6: 'fd00:45::/48' } }],
    [{ network: { cidr6: 'fe80::/64' } }],
    [{ network: { cidr6: '10.45.0.0/20' } }],
    [{ network: { lease_seconds: 1 } }],
    [{ inventory: { VCPU: { allocation_ratio: 0 } } }],
    [{ inventory: { VCPU: { reserved: -1 } } }],
    [{ inventory: { GPU: {} } }],
    [{ traits: ['custom_x'] }],
    [{ aggregates: ['x'] }],
    [{ builds: { parallel: 0 } }],
    [{ timeouts: { image: 0 } }],
    [{ presence_ttl: 1 }],
    [{ metadata: 'yes' }],
    [{ metadata: { token: 'maybe' } }],
    [{ metadata: true, network: { manage: false } }],
    [{ metadata: true, network: { filter: 'reach' } }],
    [{ network: { filter: true } }],
    [{ network: { deny: '10.0.0.0/8' } }],
    [{ network: { deny: ['etcd.example'] } }],
    [{ network: { deny: ['10.0.0.0/33'] } }],
    [{ network: { deny: ['10'] } }],
    [{ network: { allow: ['10.1.2.3/16'] } }],
    [{ network: { allow: ['fd00::1/64'] } }],
    [{ nmae: 'x' }],
  ])('refuses %j', (config) => {
    expect(agentConfigSchema.safeParse(config).success).toBe(false);
  });

  test.each([
    [{ network: { deny: ['10.1.2.3/16'] } }, 'expected a network’s first address: did you mean 10.1.0.0/16?'],
    [{ network: { allow: ['x'] } }, 'expected an address or a network, such as 10.20.0.5, 10.20.0.0/16 or fd20::/48'],
    [
      { metadata: true, network: { filter: 'none' } },
      'needs network.filter: full; without it, an address does not say which guest asks',
    ],
    [{ networks: [{ cidr: '10.46.0.0/24' }] }, 'Invalid input: expected string, received undefined'],
    [{ networks: [{ name: 'ecompute', manage: false }] }, "expected each network once: 'ecompute' is there twice"],
    [
      { networks: [{ name: 'storage' }] },
      "expected addresses of its own: 10.45.0.0/20 overlaps with 10.45.0.0/20 of network 'ecompute'",
    ],
    [
      {
        network: { cidr6: 'fd00:45::/64' },
        networks: [{ name: 'storage', cidr: '10.46.0.0/20', cidr6: 'fd00:45::/64' }],
      },
      "expected addresses of its own: fd00:45::/64 overlaps with fd00:45::/64 of network 'ecompute'",
    ],
    [{ bridges: ['a/b'] }, 'expected the name of a bridge, such as br0'],
  ])('says of %j what was expected', (config, message) => {
    expect(agentConfigSchema.safeParse(config).error?.issues.map((issue) => issue.message)).toEqual([message]);
  });

  test('takes further networks, each with settings of its own', () => {
    const { networks, bridges } = agentConfigSchema.parse({
      networks: [
        { name: 'storage', cidr: '10.46.0.0/20', filter: 'reach' },
        { name: 'default', manage: false },
      ],
      bridges: ['br1'],
    });
    expect(networks).toMatchObject([
      { name: 'storage', manage: true, filter: 'reach', lease_seconds: 3600 },
      { name: 'default', manage: false, filter: 'full' },
    ]);
    expect(bridges).toEqual(['br1']);
    expect(agentConfigSchema.parse({})).toMatchObject({ network: { name: 'ecompute' }, networks: [], bridges: [] });
  });

  test('takes addresses and networks that guests may and may not reach', () => {
    const network = {
      deny: ['10.20.0.0/16', '10.1.2.3', 'fd20::/48', '0.0.0.0/0', '::/0'],
      allow: ['10.20.0.5/32', 'fd20::5'],
    };
    expect(agentConfigSchema.parse({ network }).network).toMatchObject(network);
  });
});
