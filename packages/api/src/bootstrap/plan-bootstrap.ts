import { newId } from '../identity/routes/fields.js';
import type { Draft } from '../identity/state/draft.js';
import type { Assignment, Domain, Project, Role, User } from '../identity/state/entities.js';

/** The first domain, by the id that clients take for granted. */
const DOMAIN = 'default';
const ADMIN = 'admin';

export interface Bootstrapped {
  readonly user: User;
  readonly project: Project;
  readonly domain: Domain;
  /** The password is the one that was given: it is the user's from now on. */
  readonly isPasswordSet: boolean;
}

export interface PasswordChoice {
  readonly hash: string;
  /** Take it even if the user has one. */
  readonly isForced: boolean;
}

/** Makes what is missing of the first domain, project, user and roles. What is there stays as it is. */
export const planBootstrap = (draft: Draft, { hash, isForced }: PasswordChoice): Bootstrapped => {
  const { view } = draft;
  const domain = view.get('domain', DOMAIN) ?? {
    version: 1,
    id: DOMAIN,
    name: 'Default',
    description: 'The first domain',
    enabled: true,
    epoch: 0,
    tags: [],
    extra: {},
  };
  const project = view.named('project', ADMIN, domain.id) ?? {
    version: 1,
    id: newId(),
    domain: domain.id,
    name: ADMIN,
    description: 'The first project',
    enabled: true,
    epoch: 0,
    tags: [],
    extra: {},
  };
  const before = view.named('user', ADMIN, domain.id);
  const hasPassword = before !== undefined && view.get('password', before.id) !== undefined;
  const isPasswordSet = isForced || !hasPassword;
  const user: User = {
    ...(before ?? { version: 1, id: newId(), domain: domain.id, name: ADMIN, extra: {} }),
    // Who bootstraps wants to get in.
    enabled: true,
    epoch: (before?.epoch ?? -1) + Number(isPasswordSet),
    default_project: before?.default_project ?? project.id,
  };
  const admin = planRoles(draft);

  draft.put('domain', domain);
  draft.put('project', project);
  draft.put('user', user);
  if (isPasswordSet) draft.put('password', { version: 1, user: user.id, hash });
  const targets: readonly Pick<Assignment, 'target' | 'target_id'>[] = [
    { target: 'project', target_id: project.id },
    { target: 'domain', target_id: domain.id },
    { target: 'system', target_id: 'all' },
  ];
  for (const target of targets)
    draft.put('assignment', { version: 1, actor: 'user', actor_id: user.id, ...target, role: admin.id });
  return { user, project, domain, isPasswordSet };
};

/** Who is admin is member, too, and who is member is reader. */
const planRoles = (draft: Draft): Role => {
  const plan = (name: string, implies: string[]): Role => {
    const role: Role = draft.view.named('role', name) ?? { version: 1, id: newId(), name, implies, extra: {} };
    draft.put('role', role);
    return role;
  };
  const reader = plan('reader', []);
  const member = plan('member', [reader.id]);
  return plan(ADMIN, [member.id]);
};
