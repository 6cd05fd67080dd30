import { HttpError, notFound } from '../../http/http-error.js';
import type { Draft, View } from '../state/compute-store.js';
import type { ServerGroup } from '../state/entities.js';

/** @param project undefined: of whatever project. */
export const findServerGroup = (view: View, id: string, project: string | undefined): ServerGroup | undefined => {
  const group = view.get('server_group', id);
  return group && (project === undefined || group.project === project) ? group : undefined;
};

/** @throws HttpError 404. */
export const needServerGroup = (view: View, id: string): ServerGroup => {
  const group = view.get('server_group', id);
  if (!group) throw notFound(`Instance group ${id} could not be found.`);
  return group;
};

/** @param project undefined: of all projects. */
export const listServerGroups = (view: View, project: string | undefined): readonly ServerGroup[] => {
  const groups = project === undefined ? view.list('server_group') : view.related('server_group', project);
  return groups.toSorted((a, b) => a.created_at - b.created_at);
};

/** @param limit how many a project may have; -1: any number. @throws HttpError 403. */
export const addServerGroup = (draft: Draft, group: ServerGroup, limit: number): void => {
  if (limit >= 0 && draft.view.related('server_group', group.project).length >= limit)
    throw new HttpError(403, 'Quota exceeded, too many server groups.');
  draft.put('server_group', group);
};
