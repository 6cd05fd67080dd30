import { paramOf, type Route } from '../../http/route.js';
import { missing, notHere } from '../network-error.js';
import type { Network } from '../network.js';
import { findNetwork, findPort, findSubnet } from './find.js';

/*
 * What projects cannot do yet. Of what they cannot make there is none: lists are empty, and nothing is found. What is there and cannot be
 * changed says so.
 */

const OPERATORS =
  'Networks and subnets are those of the hosts: the operator sets them in compute.yaml. Projects cannot make or change them yet.';
const SERVERS = 'Ports come and go with the servers: they cannot be made, changed or deleted by themselves yet.';

const ABSENT = [
  ['routers', 'Router', 'There are no routers yet: the hosts route, and translate addresses.'],
  ['floatingips', 'Floating IP', 'There are no floating IPs yet: servers are reached on the networks of their hosts.'],
  ['subnetpools', 'Subnetpool', OPERATORS],
] as const;

export const createRefusalRoutes = (network: Network): readonly Route[] => [
  ...ABSENT.flatMap(([collection, what, sentence]): readonly Route[] => [
    {
      method: 'GET',
      path: `/v2.0/${collection}`,
      rule: 'network:get_other',
      handle: () => ({ status: 200, body: { [collection]: [] } }),
    },
    ...(['GET', 'PUT', 'DELETE'] as const).map((method): Route => ({
      method,
      path: `/v2.0/${collection}/:id`,
      rule: method === 'GET' ? 'network:get_other' : 'network:change',
      refusal: sentence,
      handle: (request) => {
        throw missing(what, paramOf(request, 'id'));
      },
    })),
    refuse(`POST /${collection}`, sentence),
  ]),
  refuse('POST /networks', OPERATORS),
  refuse('POST /subnets', OPERATORS),
  refuse('POST /ports', SERVERS),
  ...(['PUT', 'DELETE'] as const).flatMap((method): readonly Route[] => [
    refuse(`${method} /networks/:id`, { sentence: OPERATORS, find: async (request) => findNetwork(network, request) }),
    refuse(`${method} /subnets/:id`, { sentence: OPERATORS, find: (request) => findSubnet(network, request) }),
    refuse(`${method} /ports/:id`, { sentence: SERVERS, find: async (request) => findPort(network, request) }),
  ]),
];

type Find = (request: Parameters<Route['handle']>[0]) => unknown;

/** @param request such as `POST /networks`. @param refusal its `find` throws 404 for what is not there. */
const refuse = (request: string, refusal: string | { readonly sentence: string; readonly find: Find }): Route => {
  const [method, path] = request.split(' ');
  const { sentence, find } = typeof refusal === 'string' ? { sentence: refusal, find: undefined } : refusal;
  return {
    // eslint-disable-next-line typescript/no-unsafe-type-assertion -- see above
    method: method as Route['method'],
    path: `/v2.0${path}`,
    rule: 'network:change',
    refusal: sentence,
    handle: async (asked) => {
      await find?.(asked);
      throw notHere(sentence);
    },
  };
};
