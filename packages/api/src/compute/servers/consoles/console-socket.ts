import { cloudOf } from '@etcd-compute/cloud';
import { formatTypist } from '@etcd-compute/common/endpoint/protocol';
import { HttpError } from '../../../http/http-error.js';
import type { Allows } from '../../../http/rules.js';
import type { SocketRoute } from '../../../http/socket-route.js';
import { isAdmin } from '../../engine/find-flavor.js';
import type { Servers } from '../servers.js';
import { serveConsole } from './serve-console.js';
import type { Ticket } from './ticket.js';

/** Below compute's path, as it stands in URLs that were given away. */
export const CONSOLE_PATH = '/serial-console';

/**
 * The websocket of serial consoles. The token in its URL is all that lets in, and is sent by no browser by itself as a cookie would be: so
 * which page a connection comes from does not matter.
 */
export const createConsoleSocket = (servers: Servers, allows: Allows): SocketRoute => {
  const { consoles, store } = servers;
  /** Of a ticket that is still good. */
  const find = (ticket: Ticket) => {
    const caller = consoles.callerOf(ticket);
    const server = store.get(ticket.server);
    if (!caller || !server || server.deleting_at !== null || server.deleted_at !== null) return undefined;
    const isTheirs = server.project === caller.projectId || isAdmin(caller);
    return isTheirs && allows('compute:servers:act', caller, {}) ? { caller, server } : undefined;
  };
  return {
    path: CONSOLE_PATH,
    protocols: ['binary', 'text'],
    limit: consoles.limit,
    open: async ({ query, address, requestId }) => {
      const [ticket] = await Promise.all([consoles.find(query.get('token') ?? ''), consoles.look(), store.look()]);
      const found = ticket && find(ticket);
      if (!ticket || !found) throw new HttpError(401, 'The token is unknown or has ended: ask for another console.');
      const { caller, server } = found;
      const log = servers.log.child({
        component: 'consoles',
        requestId,
        instanceUuid: server.id,
        user: caller.userId,
        project: caller.projectId,
        address,
      });
      return async (socket, signal) =>
        serveConsole(socket, {
          attach: async (options) =>
            cloudOf(servers.servicesFor(server)).attachConsole(server.id, {
              ...options,
              by: formatTypist(caller.userName, 'eapi'),
              // Who was here before may be gone without a word.
              isForced: true,
            }),
          isGood: () => find(ticket) !== undefined,
          signal,
          log,
        });
    },
  };
};
