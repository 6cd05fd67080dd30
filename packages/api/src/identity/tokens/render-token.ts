import { renderCatalog, type Catalog } from '../catalog/catalog.js';
import type { Domain } from '../state/entities.js';
import type { Session } from './session.js';

/** What a token tells of itself. @param catalog undefined: without one. */
export const renderToken = (session: Session, catalog: Catalog | undefined): object => {
  const { token, user, userDomain, project, projectDomain, domain, isSystem, roles, credential } = session;
  const isScoped = token.scope.type !== 'none';
  return {
    token: {
      methods: token.methods,
      user: { domain: brief(userDomain), id: user.id, name: user.name, password_expires_at: null },
      audit_ids: token.audit_ids,
      expires_at: toTime(token.expires_at),
      issued_at: toTime(token.issued_at),
      ...(project &&
        projectDomain && {
          project: { domain: brief(projectDomain), id: project.id, name: project.name },
          is_domain: false,
        }),
      ...(domain && { domain: brief(domain) }),
      ...(isSystem && { system: { all: true } }),
      ...(isScoped && { roles: roles.map(brief) }),
      ...(isScoped && catalog && { catalog: renderCatalog(catalog) }),
      ...(credential && {
        application_credential: { id: credential.id, name: credential.name, restricted: !credential.unrestricted },
      }),
    },
  };
};

const brief = ({ id, name }: Pick<Domain, 'id' | 'name'>): object => ({ id, name });

/** As Keystone writes it, in microseconds. */
export const toTime = (milliseconds: number): string => new Date(milliseconds).toISOString().replace(/Z$/, '000Z');
