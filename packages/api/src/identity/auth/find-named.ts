import type { Domain, Project, User } from '../state/entities.js';
import type { View } from '../state/view.js';
import type { DomainRef, UserRef } from './auth-request.js';

/** What requests name by an id, or by a name with a domain. */

export const findDomain = (view: View, { id, name }: DomainRef): Domain | undefined => {
  if (id !== undefined) return view.get('domain', id);
  return name === undefined ? undefined : view.named('domain', name);
};

export const findUser = (view: View, ref: UserRef): User | undefined => findIn(view, 'user', ref);

export const findProject = (view: View, ref: UserRef): Project | undefined => findIn(view, 'project', ref);

function findIn(view: View, kind: 'user', ref: UserRef): User | undefined;
function findIn(view: View, kind: 'project', ref: UserRef): Project | undefined;
function findIn(view: View, kind: 'user' | 'project', { id, name, domain }: UserRef): User | Project | undefined {
  if (id !== undefined) return view.get(kind, id);
  const inDomain = domain && findDomain(view, domain);
  return name === undefined || !inDomain ? undefined : view.named(kind, name, inDomain.id);
}
