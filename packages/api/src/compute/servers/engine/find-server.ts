import type { Caller } from '../../../http/caller.js';
import { isAdmin } from '../../engine/find-flavor.js';
import type { Servers } from '../servers.js';
import { serverNotFound } from './change-server.js';
import { seen, type Seen } from './list-servers.js';

/** @throws HttpError 404, also for one of another project: only admins know of those. */
export const needServer = (servers: Pick<Servers, 'store'>, id: string, caller: Caller): Seen => {
  const server = servers.store.get(id);
  const isVisible = server && (server.project === caller.projectId || isAdmin(caller));
  if (!isVisible || server.deleted_at !== null) throw serverNotFound(id);
  return seen(servers, server);
};
