import type { Stage } from '../stage.js';
import type { ApiLedger } from './api-ledger.js';
import type { Answer, Asked } from './client.js';
import type { Eapi } from './eapis.js';
import { createImage, deleteImage } from './image-requests.js';
import type { ApiRequest } from './plan-requests.js';
import type { RequestKind } from './request-kinds.js';
import { createServer, deleteServer, setMetadata } from './server-requests.js';
import { QUOTAS, type Login, type Tenant } from './tenant.js';
import { revokeToken } from './token-requests.js';

/** Who asks which eapi for what, of what there is. */
export interface Asking {
  readonly stage: Stage;
  readonly request: ApiRequest;
  readonly eapi: Eapi;
  readonly tenant: Tenant;
  readonly ledger: ApiLedger;
  readonly as: (login: Login) => (text: string, asked?: Asked) => Promise<Answer | undefined>;
}

/** @returns the answer; undefined when none came. */
export type PlayRequest = (asking: Asking) => Promise<Answer | undefined | 'nothing there'>;

const listServers: PlayRequest = async ({ tenant, as }) => as(tenant.user)('GET /compute/v2.1/servers/detail');

const setQuotas: PlayRequest = async ({ tenant, request, as }) =>
  as(tenant.admin)(`PUT /compute/v2.1/os-quota-sets/${tenant.project}`, {
    body: { quota_set: QUOTAS[request.draw % QUOTAS.length] },
  });

/** Those that are no actions of servers. */
export const PLAY: Partial<Record<RequestKind, PlayRequest>> = {
  'server-create': createServer({}),
  'server-create-many': createServer({ least: 2, most: 3 }),
  'server-create-in-group': createServer({ isInGroup: true }),
  'server-create-in-zone': createServer({ zone: 'nova' }),
  'server-delete': deleteServer,
  'server-set-metadata': setMetadata,
  'server-list': listServers,
  'image-create': createImage,
  'image-delete': deleteImage,
  'quota-set': setQuotas,
  'token-revoke': revokeToken,
};
