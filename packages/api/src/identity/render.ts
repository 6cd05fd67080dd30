import { toTime } from './tokens/render-token.js';
import type { Credential, Domain, Group, Project, Role, User } from './state/entities.js';
import type { View } from './state/view.js';

/** What answers show of records. @param url what links begin with. */

export const renderDomain = ({ id, name, description, enabled, tags, extra }: Domain, url: string): object => ({
  ...extra,
  id,
  name,
  description,
  enabled,
  tags,
  options: {},
  links: { self: `${url}/domains/${id}` },
});

export const renderProject = (
  { id, domain, name, description, enabled, tags, extra }: Project,
  url: string,
): object => ({
  ...extra,
  id,
  name,
  domain_id: domain,
  description,
  enabled,
  // Projects are in no other project.
  parent_id: domain,
  is_domain: false,
  tags,
  options: {},
  links: { self: `${url}/projects/${id}` },
});

export const renderUser = (
  { id, domain, name, description, enabled, default_project, extra }: User,
  url: string,
): object => ({
  ...extra,
  id,
  name,
  domain_id: domain,
  enabled,
  ...(description !== undefined && { description }),
  ...(default_project !== undefined && { default_project_id: default_project }),
  password_expires_at: null,
  options: {},
  links: { self: `${url}/users/${id}` },
});

export const renderGroup = ({ id, domain, name, description, extra }: Group, url: string): object => ({
  ...extra,
  id,
  name,
  domain_id: domain,
  description,
  links: { self: `${url}/groups/${id}` },
});

export const renderRole = ({ id, name, description, extra }: Role, url: string): object => ({
  ...extra,
  id,
  name,
  domain_id: null,
  description: description ?? null,
  options: {},
  links: { self: `${url}/roles/${id}` },
});

/** @param secret shown once, when it is made. */
export const renderCredential = (
  view: View,
  credential: Credential,
  { url, secret }: { url: string; secret?: string },
): object => {
  const { id, user, project, name, description, roles, expires_at, unrestricted } = credential;
  return {
    id,
    name,
    description,
    project_id: project,
    user_id: user,
    expires_at: expires_at === undefined ? null : toTime(expires_at).replace(/Z$/, ''),
    unrestricted,
    system: null,
    roles: roles
      .map((role) => view.get('role', role))
      .filter((role) => role !== undefined)
      .map((role) => ({ id: role.id, name: role.name, domain_id: null })),
    ...(secret !== undefined && { secret }),
    links: { self: `${url}/users/${user}/application_credentials/${id}` },
  };
};
