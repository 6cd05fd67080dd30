import type { Caller } from '../../http/caller.js';
import { notFound } from '../../http/http-error.js';
import type { View } from '../state/compute-store.js';
import type { Flavor } from '../state/entities.js';

/** As the rule `admin`. */
export const isAdmin = ({ roles, projectId }: Pick<Caller, 'roles' | 'projectId'>): boolean =>
  projectId !== undefined && roles.includes('admin');

/** Whether somebody may see and use a flavor. */
export const maySee = ({ is_public, projects }: Flavor, caller: Pick<Caller, 'roles' | 'projectId'>): boolean =>
  is_public || isAdmin(caller) || (caller.projectId !== undefined && projects.includes(caller.projectId));

/** @throws HttpError 404, also for one that the caller may not see. */
export const needFlavor = (view: View, id: string, caller?: Pick<Caller, 'roles' | 'projectId'>): Flavor => {
  const flavor = view.get('flavor', id);
  if (!flavor || (caller && !maySee(flavor, caller))) throw notFound(`Flavor ${id} could not be found.`);
  return flavor;
};
