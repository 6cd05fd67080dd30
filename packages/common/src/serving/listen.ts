import { isIP, type AddressInfo } from 'node:net';
import { withDeadline } from '../async/deadline.js';
import { EcomputeError } from '../errors.js';
import type { Logger } from '../log.js';

/** What we need of Fastify's. */
export interface HttpServer {
  readonly listen: (at: { readonly host: string; readonly port: number }) => Promise<unknown>;
  readonly server: { readonly address: () => AddressInfo | string | null; readonly closeAllConnections: () => void };
  readonly close: () => Promise<unknown>;
}

export interface ListenOptions {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  readonly isTls: boolean;
}

/** @returns the URL of its root, without a slash at its end. @throws EcomputeError ECOMPUTE_ADDRESS_UNAVAILABLE. */
export const listen = async (app: HttpServer, { host, port, isTls }: ListenOptions): Promise<string> => {
  try {
    await app.listen({ host, port });
  } catch (cause) {
    throw new EcomputeError('ECOMPUTE_ADDRESS_UNAVAILABLE', `could not listen at ${host}, port ${port}`, {
      cause,
      hint: 'see who listens there (`ss -ltnp`), or set listen.host and listen.port in the config',
    });
  }
  const address = app.server.address();
  const actualPort = typeof address === 'object' && address !== null ? address.port : port;
  return `${isTls ? 'https' : 'http'}://${isIP(host) === 6 ? `[${host}]` : host}:${actualPort}`;
};

/** Requests that are under way are answered first, as long as that takes no longer than that. */
export const closeServer = async (
  app: HttpServer,
  { timeoutMs, log }: { readonly timeoutMs: number; readonly log: Logger },
): Promise<void> => {
  try {
    await withDeadline(async () => app.close(), { timeoutMs, what: 'answering the requests that were under way' });
  } catch (err) {
    log.error({ err }, 'requests that were under way are left unanswered');
    app.server.closeAllConnections();
  }
};
