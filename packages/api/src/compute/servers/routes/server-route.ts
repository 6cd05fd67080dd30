import { paramOf } from '../../../http/route.js';
import type { ComputeRequest } from '../../compute-route.js';
import type { Target } from '../engine/ask-server.js';
import { needServer } from '../engine/find-server.js';
import type { RenderOptions } from '../render/render-server.js';
import type { Servers } from '../servers.js';

/** The server that a path names, and who asks. @throws HttpError 404. */
export const targetOf = (servers: Servers, request: ComputeRequest): Target => ({
  item: needServer(servers, paramOf(request, 'id'), request.caller),
  caller: request.caller,
  requestId: request.requestId,
});

export const renderOptionsOf = (servers: Servers, { minor, caller }: ComputeRequest): RenderOptions => ({
  url: servers.url,
  minor,
  caller,
  hostnameOf: servers.hostnameOf,
  zoneOf: servers.zones.of,
});
