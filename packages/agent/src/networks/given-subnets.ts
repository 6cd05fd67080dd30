import type { GivenSubnet } from '@etcd-compute/common/etcd/messages/presence';
import { normalizeNetwork } from '@etcd-compute/common/cidr';
import { allNetworks } from '../config/network.js';
import { planNetwork } from './address-plan.js';
import type { NetworksConfig } from './host-networks.js';
import { guestRangeOf, planIpv6 } from './ipv6-plan.js';

/** What guests are given on the networks that the agent manages. Pure. */
export const givenSubnetsOf = (config: Pick<NetworksConfig, 'network' | 'networks'>): GivenSubnet[] =>
  allNetworks(config)
    .filter(({ manage }) => manage)
    .flatMap(({ name: network, cidr, cidr6 }) => {
      const plan = planNetwork(cidr);
      const { gateway, first, last } = plan;
      const ipv4 = { network, cidr: normalizeNetwork(cidr), gateway, first, last };
      if (cidr6 === undefined) return [ipv4];
      const { gateway: gateway6 } = planIpv6(cidr6);
      return [ipv4, { network, cidr: normalizeNetwork(cidr6), gateway: gateway6, ...guestRangeOf(cidr6, plan) }];
    });
