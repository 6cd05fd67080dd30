import type { Caller } from '../../http/caller.js';
import { rolesOf, SYSTEM, withImplied } from '../engine/roles-of.js';
import type { Credential, Domain, Project, Role, User } from '../state/entities.js';
import type { View } from '../state/view.js';
import type { Token } from './token.js';

/** What a token means at the moment. */
export interface Session {
  readonly token: Token;
  readonly user: User;
  readonly userDomain: Domain;
  readonly project: Project | undefined;
  readonly projectDomain: Domain | undefined;
  readonly domain: Domain | undefined;
  readonly isSystem: boolean;
  readonly roles: readonly Role[];
  readonly credential: Credential | undefined;
}

/**
 * Looks at what is there now, not at what was there when the token was issued: a token is nothing as soon as its user, project, domain,
 * credential or last role is gone or disabled.
 *
 * @returns undefined when it is of no use.
 */
export const findSession = (view: View, token: Token, now: number): Session | undefined => {
  if (token.expires_at <= now) return undefined;
  const user = view.get('user', token.user);
  const userDomain = user && view.get('domain', user.domain);
  if (!user?.enabled || user.epoch !== token.epoch || !userDomain?.enabled) return undefined;
  const credential = token.credential === undefined ? undefined : view.get('credential', token.credential);
  if (token.credential !== undefined && !credential) return undefined;
  if (credential?.expires_at !== undefined && credential.expires_at <= now) return undefined;
  const scoped = findScope(view, token);
  if (!scoped) return undefined;
  const roles = limitTo(view, credential, scoped.roles);
  if (token.scope.type !== 'none' && roles.length === 0) return undefined;
  return { token, user, userDomain, credential, ...scoped, roles };
};

type Scoped = Pick<Session, 'project' | 'projectDomain' | 'domain' | 'isSystem' | 'roles'>;

const NOTHING = { project: undefined, projectDomain: undefined, domain: undefined, isSystem: false, roles: [] };

const findScope = (view: View, { scope, user }: Token): Scoped | undefined => {
  if (scope.type === 'none') return NOTHING;
  if (scope.type === 'system') return { ...NOTHING, isSystem: true, roles: rolesOf(view, user, SYSTEM) };
  const roles = rolesOf(view, user, { type: scope.type, id: scope.id });
  if (scope.type === 'domain') {
    const domain = view.get('domain', scope.id);
    return domain?.enabled && domain.epoch === scope.epoch ? { ...NOTHING, domain, roles } : undefined;
  }
  const project = view.get('project', scope.id);
  const projectDomain = project && view.get('domain', project.domain);
  const isGood = project?.enabled && project.epoch === scope.epoch && projectDomain?.enabled;
  return isGood ? { ...NOTHING, project, projectDomain, roles } : undefined;
};

/** Of a credential's roles, those that its user still has. */
const limitTo = (view: View, credential: Credential | undefined, roles: readonly Role[]): readonly Role[] => {
  if (!credential) return roles;
  const wanted = new Set(withImplied(view, credential.roles).map(({ id }) => id));
  return roles.filter(({ id }) => wanted.has(id));
};

export const toCaller = ({ user, project, domain, isSystem, roles, credential }: Session): Caller => ({
  userId: user.id,
  userName: user.name,
  userDomainId: user.domain,
  projectId: project?.id,
  projectDomainId: project?.domain,
  domainId: domain?.id,
  isSystem,
  roles: roles.map(({ name }) => name),
  isRestricted: credential?.unrestricted === false,
});
