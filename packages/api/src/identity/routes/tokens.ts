import type { PolicyTarget } from '@etcd-compute/common/policy/check';
import { HttpError, notFound } from '../../http/http-error.js';
import { PUBLIC, withBody, type ApiRequest, type Route } from '../../http/route.js';
import { authRequest } from '../auth/auth-request.js';
import { issueToken } from '../auth/issue-token.js';
import { findSessionOf, type Identity } from '../identity.js';
import { renderToken } from '../tokens/render-token.js';
import type { Session } from '../tokens/session.js';

const SUBJECT = 'x-subject-token';

export const createTokenRoutes = (identity: Identity): readonly Route[] => {
  /** By the query, which a request has for itself: who may ask about a token, and what is told of it, is one look at etcd. */
  const sessions = new WeakMap<URLSearchParams, Promise<Session | undefined>>();
  const catalogFor = ({ query }: Pick<ApiRequest, 'query'>) => (query.has('nocatalog') ? undefined : identity.catalog);

  return [
    withBody({
      method: 'POST',
      path: '/v3/auth/tokens',
      rule: PUBLIC,
      body: authRequest,
      handle: async (request) => {
        const { token, session } = await issueToken(identity, { auth: request.body.auth, address: request.address });
        return { status: 201, body: renderToken(session, catalogFor(request)), headers: { [SUBJECT]: token } };
      },
    }),
    {
      method: 'GET',
      path: '/v3/auth/tokens',
      rule: 'identity:validate_token',
      target,
      handle: async (request) => ({
        status: 200,
        body: renderToken(await needSession(request), catalogFor(request)),
        headers: { [SUBJECT]: tokenOf(request) },
      }),
    },
    {
      method: 'DELETE',
      path: '/v3/auth/tokens',
      rule: 'identity:revoke_token',
      target,
      handle: async (request) => {
        await needSession(request);
        await identity.tokens.revoke(tokenOf(request));
        return { status: 204 };
      },
    },
  ];

  async function target(request: Pick<ApiRequest, 'header' | 'query'>): Promise<PolicyTarget> {
    return { 'target.token.user_id': (await needSession(request)).user.id };
  }

  async function needSession(request: Pick<ApiRequest, 'header' | 'query'>): Promise<Session> {
    const found = sessions.get(request.query) ?? findSessionOf(identity, tokenOf(request));
    sessions.set(request.query, found);
    const session = await found;
    if (!session) throw notFound('Could not find token.');
    return session;
  }
};

const tokenOf = ({ header }: Pick<ApiRequest, 'header'>): string => {
  const token = header(SUBJECT);
  if (token === undefined || token === '') throw new HttpError(400, 'The request has no X-Subject-Token.');
  return token;
};
