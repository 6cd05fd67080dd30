import { HttpError } from '../../http/http-error.js';
import { unauthorized } from '../engine/errors.js';
import { findSessionOf, type Identity } from '../identity.js';
import { isPassword } from '../passwords/hash.js';
import type { Credential, User } from '../state/entities.js';
import type { Session } from '../tokens/session.js';
import type { AuthIdentity, UserRef } from './auth-request.js';
import { findUser } from './find-named.js';

/** Somebody who has shown who he is. */
export interface Shown {
  readonly user: User;
  /** That he did it by. */
  readonly credential?: Credential;
  /** The session whose token he did it by. */
  readonly session?: Session;
}

interface Attempt {
  readonly identity: AuthIdentity;
  readonly address: string;
}

/** @throws HttpError 401, or 429 when he has failed too often. */
export const showUser = async (deps: Identity, { identity, address }: Attempt): Promise<Shown> => {
  await deps.store.look();
  let shown: Shown | undefined;
  for (const method of new Set(identity.methods)) {
    const next = await showBy(method, deps, { identity, address });
    if (!next || (shown && shown.user.id !== next.user.id)) throw unauthorized();
    shown = { ...shown, ...next };
  }
  if (!shown) throw unauthorized();
  const { user } = shown;
  if (!user.enabled || !deps.store.view().get('domain', user.domain)?.enabled) throw unauthorized();
  return shown;
};

const showBy = async (method: string, deps: Identity, { identity, address }: Attempt): Promise<Shown | undefined> => {
  const { password, token, application_credential } = identity;
  if (method === 'password' && password) return showByPassword(deps, { ...password, address });
  if (method === 'token' && token) return showByToken(deps, token.id);
  if (method === 'application_credential' && application_credential)
    return showByCredential(deps, { ...application_credential, address });
  return undefined;
};

interface PasswordAttempt {
  readonly user: UserRef & { readonly password: string };
  readonly address: string;
}

/** @returns undefined when it is not his, or there is nobody such, after the same time. @throws HttpError 429. */
export const showByPassword = async (
  deps: Identity,
  { user: ref, address }: PasswordAttempt,
): Promise<Shown | undefined> => {
  const view = deps.store.view();
  const user = findUser(view, ref);
  const right = deps.loginLimit.begin({ name: nameOf(ref), address });
  const isRight = await isPassword(ref.password, user && view.get('password', user.id)?.hash);
  if (!user || !isRight) return undefined;
  right();
  return { user };
};

/** However it is written: a user has one name for the limit. Of users that there are not, too. */
const nameOf = ({ id, name, domain }: UserRef): string =>
  id === undefined ? `${domain?.id ?? ''} ${domain?.name ?? ''} ${name ?? ''}` : id;

const showByToken = async (deps: Identity, token: string): Promise<Shown | undefined> => {
  const session = await findSessionOf(deps, token);
  if (!session) return undefined;
  if (session.credential)
    throw new HttpError(403, 'A token of an application credential cannot be used to get another one.');
  return { user: session.user, session };
};

interface CredentialAttempt {
  readonly id?: string | undefined;
  readonly name?: string | undefined;
  readonly user?: UserRef | undefined;
  readonly secret: string;
  readonly address: string;
}

const showByCredential = async (
  deps: Identity,
  { id, name, user: ref, secret, address }: CredentialAttempt,
): Promise<Shown | undefined> => {
  const view = deps.store.view();
  const owner = ref && findUser(view, ref);
  const credential =
    id === undefined
      ? owner && view.credentialsOf(owner.id).find((own) => own.name === name)
      : view.get('credential', id);
  const right = deps.loginLimit.begin({ name: id ?? `${ref ? nameOf(ref) : ''} ${name ?? ''}`, address });
  const isRight = await isPassword(secret, credential?.hash);
  const user = credential && view.get('user', credential.user);
  const isOver = credential?.expires_at !== undefined && credential.expires_at <= deps.now();
  if (!user || !isRight || isOver) return undefined;
  right();
  return { user, credential };
};
