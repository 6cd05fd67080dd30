import { z } from 'zod';
import { paramOf, type Route } from '../../../http/route.js';
import type { Port } from '../../../network/engine/ports.js';
import { computeRoute } from '../../compute-route.js';
import { attachInterface, detachInterface, interfacesOf, needInterface } from '../engine/interfaces.js';
import type { Servers } from '../servers.js';
import { targetOf } from './server-route.js';

const render = ({ id, network, mac, addresses, status }: Port, minor: number): object => ({
  port_id: id,
  net_id: network.id,
  mac_addr: mac,
  port_state: status,
  fixed_ips: addresses.map(({ address, subnet }) => ({ ip_address: address, subnet_id: subnet })),
  ...(minor >= 70 && { tag: null }),
});

const bodyOf = (minor: number) =>
  z.strictObject({
    interfaceAttachment: z
      .strictObject({
        net_id: z.uuid(),
        port_id: z.uuid(),
        fixed_ips: z.array(z.strictObject({ ip_address: z.union([z.ipv4(), z.ipv6()]) })).length(1),
        tag: minor >= 49 ? z.string().min(1).max(60) : z.never(),
      })
      .partial()
      .default({}),
  });

/** https://docs.openstack.org/api-ref/compute/#port-interfaces-servers-os-interface */
export const createInterfaceRoutes = (servers: Servers): readonly Route[] => [
  computeRoute({
    method: 'GET',
    path: '/servers/:id/os-interface',
    rule: 'compute:servers:show',
    handle: (request) => ({
      status: 200,
      body: {
        interfaceAttachments: interfacesOf(servers, targetOf(servers, request).item).map((port) =>
          render(port, request.minor),
        ),
      },
    }),
  }),
  computeRoute({
    method: 'GET',
    path: '/servers/:id/os-interface/:port',
    rule: 'compute:servers:show',
    handle: (request) => ({
      status: 200,
      body: {
        interfaceAttachment: render(
          needInterface(servers, targetOf(servers, request), paramOf(request, 'port')),
          request.minor,
        ),
      },
    }),
  }),
  computeRoute({
    method: 'POST',
    path: '/servers/:id/os-interface',
    rule: 'compute:servers:update',
    body: bodyOf,
    handle: async (request) => {
      const port = await attachInterface(servers, targetOf(servers, request), request.body.interfaceAttachment);
      return { status: 200, body: { interfaceAttachment: render(port, request.minor) } };
    },
  }),
  computeRoute({
    method: 'DELETE',
    path: '/servers/:id/os-interface/:port',
    rule: 'compute:servers:update',
    handle: async (request) => {
      await detachInterface(servers, targetOf(servers, request), paramOf(request, 'port'));
      return { status: 202 };
    },
  }),
];
