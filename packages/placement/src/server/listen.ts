import { isIP } from 'node:net';
import { EcomputeError } from '@etcd-compute/common/errors';
import type { Logger } from '@etcd-compute/common/log';
import type { App } from '../http/app.js';
import type { ServerConfig } from './config.js';

/** @returns the URL of the API. @throws EcomputeError ECOMPUTE_ADDRESS_UNAVAILABLE. */
export const listen = async (app: App, { listen: { host, port, path }, tls }: ServerConfig): Promise<string> => {
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
  return `${tls ? 'https' : 'http'}://${isIP(host) === 6 ? `[${host}]` : host}:${actualPort}${path}`;
};

/** Without tokens nobody is asked who he is; then others should not reach it. */
export const warnIfOpen = ({ auth, listen: { host } }: ServerConfig, log: Logger): void => {
  if (auth === 'noauth2' && !/^(127\.|::1$|localhost$)/.test(host))
    log.warn({ host }, 'auth is noauth2: everybody who reaches this address may do everything');
};
