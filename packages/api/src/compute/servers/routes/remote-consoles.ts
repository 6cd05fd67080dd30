import { z } from 'zod';
import type { Route } from '../../../http/route.js';
import { computeRoute } from '../../compute-route.js';
import { CONSOLE_TYPES, openSerialConsole, unavailable } from '../engine/serial-console.js';
import type { Servers } from '../servers.js';
import { targetOf } from './server-route.js';

const bodyOf = (minor: number) => {
  const there = Object.entries(CONSOLE_TYPES).filter(([, { since }]) => minor >= since);
  return z.strictObject({
    remote_console: z.strictObject({
      protocol: z.enum(there.map(([protocol]) => protocol)),
      type: z.enum(there.flatMap(([, { types }]) => [...types])),
    }),
  });
};

/** https://docs.openstack.org/api-ref/compute/#server-consoles */
export const createRemoteConsoleRoutes = (servers: Servers): readonly Route[] => [
  computeRoute({
    method: 'POST',
    path: '/servers/:id/remote-consoles',
    rule: 'compute:servers:act',
    since: 6,
    body: bodyOf,
    handle: async (request) => {
      const target = targetOf(servers, request);
      const { protocol, type } = request.body.remote_console;
      if (protocol !== 'serial' || type !== 'serial') throw unavailable(type);
      return {
        status: 200,
        body: { remote_console: { protocol, type, url: await openSerialConsole(servers, target) } },
      };
    },
  }),
];
