import type { z } from 'zod';
import { unauthorized } from '../engine/errors.js';
import type { Identity } from '../identity.js';
import { findSession, type Session } from '../tokens/session.js';
import { newAuditId } from '../tokens/token-store.js';
import type { Token } from '../tokens/token.js';
import type { authRequest } from './auth-request.js';
import { chooseScope } from './choose-scope.js';
import { showUser, type Shown } from './methods.js';

export interface Issued {
  readonly token: string;
  readonly session: Session;
}

export interface IssueRequest {
  readonly auth: z.output<typeof authRequest>['auth'];
  readonly address: string;
}

/** @throws HttpError 401, 403, 429. */
export const issueToken = async (identity: Identity, { auth, address }: IssueRequest): Promise<Issued> => {
  const shown = await showUser(identity, { identity: auth.identity, address });
  const view = identity.store.view();
  const now = identity.now();
  const token: Token = {
    version: 1,
    user: shown.user.id,
    epoch: shown.user.epoch,
    methods: methodsOf(auth.identity.methods, shown),
    scope: chooseScope(view, shown, auth.scope),
    ...(shown.credential && { credential: shown.credential.id }),
    issued_at: now,
    expires_at: endOf(identity, shown),
    audit_ids: [newAuditId(), ...firstAuditId(shown)],
  };
  const session = findSession(view, token, now);
  if (!session) throw unauthorized();
  return { token: await identity.tokens.issue(token), session };
};

/** A token that is made from another one ends with it. */
const endOf = ({ tokenLifetimeMs, now }: Identity, { session, credential }: Shown): number =>
  Math.min(now() + tokenLifetimeMs, session?.token.expires_at ?? Infinity, credential?.expires_at ?? Infinity);

const methodsOf = (asked: readonly string[], { session }: Shown): string[] => [
  ...new Set([...asked, ...(session?.token.methods ?? [])]),
];

const firstAuditId = ({ session }: Shown): readonly string[] => session?.token.audit_ids.slice(-1) ?? [];
