import { agentConfigSchema, type AgentConfig } from '@etcd-compute/agent/config/config';
import { createGuestNetwork } from '@etcd-compute/agent/networks/guest-network';
import { silentLogger } from '@etcd-compute/common/log';
import { connect, type Connection } from '@etcd-compute/libvirt/connection';
import { parseNetwork } from '@etcd-compute/libvirt/xml/network';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

let connection: Connection;
beforeEach(async () => {
  connection = await connect('test:///default');
});
afterEach(async () => {
  await using network = await connection.networkLookupByName(NAME);
  await network.destroy();
  await network.undefine();
  await connection.close();
});

const NAME = 'ec-guests';
const IPV6 = { cidr6: 'fd00:45::/64' };

/** Opens it as a start of the agent does. */
const open = async (changes: Partial<AgentConfig['network']>): Promise<void> => {
  const { network } = agentConfigSchema.parse({ network: { name: NAME, cidr: '10.45.0.0/28', ...changes } });
  await createGuestNetwork({ config: network, log: silentLogger() }).open(connection);
};

describe('the managed network', () => {
  test('has IPv6 when it is wished, and is found again as it was made', async () => {
    await open(IPV6);
    await open({ cidr6: 'FD00:45:0:0::/64' });
    await using network = await connection.networkLookupByName(NAME);
    expect(parseNetwork(await network.getXMLDesc())).toMatchObject({
      natIpv6: true,
      ip: { address: '10.45.0.1', prefix: 28 },
      ip6: { address: 'fd00:45::1', prefix: 64, dhcp: { leaseSeconds: 3600 } },
    });
  });

  test.each([
    [{}, IPV6, '10.45.0.0/28 and fd00:45::/64', 'it is 10.45.0.1/28'],
    [IPV6, {}, '10.45.0.0/28', 'it is 10.45.0.1/28 and fd00:45::1/64'],
    [IPV6, { cidr6: 'fd00:46::/64' }, '10.45.0.0/28 and fd00:46::/64', 'it is 10.45.0.1/28 and fd00:45::1/64'],
    [{}, { cidr: '10.46.0.0/28' }, '10.46.0.0/28', 'it is 10.45.0.1/28'],
  ])('made with %j is not the one for %j, and is left as it is', async (...[before, now, wished, is]) => {
    await open(before);
    await expect(open(now)).rejects.toMatchObject({
      code: 'ECOMPUTE_NETWORK_FAILED',
      message: `the libvirt network '${NAME}' is not the one for ${wished} that ecompute makes (${is})`,
    });
    await open(before);
  });
});
