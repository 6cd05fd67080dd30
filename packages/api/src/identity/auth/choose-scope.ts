import { unauthorized } from '../engine/errors.js';
import { rolesOf } from '../engine/roles-of.js';
import type { View } from '../state/view.js';
import type { Token } from '../tokens/token.js';
import type { AuthScope } from './auth-request.js';
import { findDomain, findProject } from './find-named.js';
import type { Shown } from './methods.js';

type Scope = Token['scope'];

/**
 * What a new token is for. Whether its user has a role there is looked at by `findSession`.
 *
 * @throws HttpError 401 when there is none such.
 */
export const chooseScope = (view: View, { user, credential }: Shown, asked: AuthScope | undefined): Scope => {
  if (credential) {
    if (asked !== undefined) throw unauthorized();
    return ofProject(view, { id: credential.project });
  }
  if (asked === undefined) {
    // By default a token is for the user's project, when he has a role there.
    const project = user.default_project === undefined ? undefined : view.get('project', user.default_project);
    const isUsable =
      project?.enabled === true && rolesOf(view, user.id, { type: 'project', id: project.id }).length > 0;
    return isUsable ? ofProject(view, { id: project.id }) : { type: 'none' };
  }
  if (asked === 'unscoped' || asked.unscoped !== undefined) return { type: 'none' };
  const { project, domain, system } = asked;
  if ([project, domain, system].filter((one) => one !== undefined).length !== 1) throw unauthorized();
  if (project) return ofProject(view, project);
  if (domain) {
    const found = findDomain(view, domain);
    if (!found) throw unauthorized();
    return { type: 'domain', id: found.id, epoch: found.epoch };
  }
  if (system?.all !== true) throw unauthorized();
  return { type: 'system' };
};

const ofProject = (view: View, ref: Parameters<typeof findProject>[1]): Scope => {
  const project = findProject(view, ref);
  if (!project) throw unauthorized();
  return { type: 'project', id: project.id, epoch: project.epoch };
};
