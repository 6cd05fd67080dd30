import { startHttpServer, type HttpServerOptions } from './http-server.js';
import type { PlacementServer } from './placement-server.js';

/** `eplacement` as built in this workspace. */
const program = new URL('../../placement/bin/eplacement.js', import.meta.url).pathname;

/** Our own server of Placement's API on 127.0.0.1, taking any token. */
export const startEplacement = async (options: HttpServerOptions): Promise<PlacementServer> =>
  startHttpServer({ name: 'eplacement', path: program, factsAt: () => ({ section: 'etcd' as const }) }, options);
