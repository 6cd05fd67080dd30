import type { Route } from '../../http/route.js';
import { newNetwork } from '../engine/networks.js';
import type { Network } from '../network.js';
import { renderNetwork, renderSubnet } from '../render.js';
import { findNetwork, findSubnet, listSubnets } from './find.js';
import { listReply, showReply } from './lists.js';

const NETWORK_ATTRIBUTES = Object.keys(renderNetwork(newNetwork('')));
const SUBNET_ATTRIBUTES = Object.keys(
  renderSubnet({ id: '', network: newNetwork(''), version: 4, cidr: '', gateway: '', first: '', last: '', hosts: 0 }),
);

/** Networks and their subnets. They come and go with the hosts that have them. */
export const createNetworkRoutes = (network: Network): readonly Route[] => [
  {
    method: 'GET',
    path: '/v2.0/networks',
    rule: 'network:get_network',
    handle: (request) =>
      listReply(network, request, {
        name: 'networks',
        items: network.hosts.view().list.map(renderNetwork),
        attributes: NETWORK_ATTRIBUTES,
      }),
  },
  {
    method: 'GET',
    path: '/v2.0/networks/:id',
    rule: 'network:get_network',
    handle: async (request) => showReply('network', renderNetwork(await findNetwork(network, request)), request),
  },
  {
    method: 'GET',
    path: '/v2.0/subnets',
    rule: 'network:get_subnet',
    handle: (request) =>
      listReply(network, request, {
        name: 'subnets',
        items: listSubnets(network).map(renderSubnet),
        attributes: SUBNET_ATTRIBUTES,
      }),
  },
  {
    method: 'GET',
    path: '/v2.0/subnets/:id',
    rule: 'network:get_subnet',
    handle: (request) => showReply('subnet', renderSubnet(findSubnet(network, request)), request),
  },
];
