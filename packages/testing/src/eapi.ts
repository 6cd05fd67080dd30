import { join } from 'node:path';
import { startHttpServer, type HttpServer, type HttpServerOptions } from './http-server.js';

/** `eapi` as built in this workspace. */
export const eapiProgram = new URL('../../api/bin/eapi.js', import.meta.url).pathname;

export interface EapiServer extends HttpServer {
  /** Of identity, as clients are told it. */
  readonly authUrl: string;
}

/** The server of OpenStack's APIs on 127.0.0.1. */
export const startEapi = async (options: HttpServerOptions): Promise<EapiServer> =>
  startHttpServer(
    {
      name: 'eapi',
      path: eapiProgram,
      configIn: (dir) => ({ images: { folder: join(dir, 'images') } }),
      factsAt: (endpoint) => ({ authUrl: `${endpoint}/identity/v3` }),
    },
    options,
  );
