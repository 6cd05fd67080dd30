import type { Caller } from '../http/caller.js';
import type { Catalog } from './catalog/catalog.js';
import type { LoginLimit } from './passwords/login-limit.js';
import type { IdentityStore } from './state/identity-store.js';
import { findSession, toCaller, type Session } from './tokens/session.js';
import type { Token } from './tokens/token.js';
import type { TokenStore } from './tokens/token-store.js';

/** What the routes of identity work with. */
export interface Identity {
  readonly store: IdentityStore;
  readonly tokens: TokenStore<Token>;
  readonly loginLimit: LoginLimit;
  readonly catalog: Catalog;
  /** How long a token is good. */
  readonly tokenLifetimeMs: number;
  /** What links in answers begin with: the URL of identity's version 3. */
  readonly url: string;
  readonly now: () => number;
}

/** Looks at etcd: all that was written before the call is seen. @returns undefined when a token is of no use. */
export const findSessionOf = async ({ store, tokens, now }: Identity, token: string): Promise<Session | undefined> => {
  const [entry] = await store.look([tokens.keyOf(token)]);
  const found = tokens.read(entry);
  return found && findSession(store.view(), found, now());
};

export const createAuthenticate =
  (identity: Identity) =>
  async (token: string | undefined): Promise<Caller | undefined> => {
    const session = token === undefined || token === '' ? undefined : await findSessionOf(identity, token);
    return session && toCaller(session);
  };
