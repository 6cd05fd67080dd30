import { listen as listenAt } from '@etcd-compute/common/serving/listen';
import type { Logger } from '@etcd-compute/common/log';
import type { App } from '../http/app.js';
import type { ServerConfig } from './config.js';

/** @returns the URL of the API. @throws EcomputeError ECOMPUTE_ADDRESS_UNAVAILABLE. */
export const listen = async (app: App, { listen: { host, port, path }, tls }: ServerConfig): Promise<string> =>
  (await listenAt(app, { host, port, isTls: tls !== undefined })) + path;

/** Without tokens nobody is asked who he is; then others should not reach it. */
export const warnIfOpen = ({ auth, listen: { host } }: ServerConfig, log: Logger): void => {
  if (auth === 'noauth2' && !/^(127\.|::1$|localhost$)/.test(host))
    log.warn({ host }, 'auth is noauth2: everybody who reaches this address may do everything');
};
