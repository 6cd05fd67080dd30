import type { Caller } from '../../http/caller.js';
import { forbidden } from '../../http/http-error.js';
import { memberId, type Image, type Member } from '../state/records.js';
import type { ImageView } from '../images.js';

/** Who asks, as far as images are concerned. */
export type Viewer = Pick<Caller, 'projectId' | 'roles' | 'isSystem'>;

/** As the rule `admin` says. */
export const isAdmin = ({ roles, projectId, isSystem }: Viewer): boolean =>
  roles.includes('admin') && (projectId !== undefined || isSystem);

export const membershipOf = (view: ImageView, image: Image, viewer: Viewer): Member | undefined =>
  viewer.projectId === undefined || image.visibility !== 'shared'
    ? undefined
    : view.get('member', memberId(image.id, viewer.projectId));

/** Whether it may be looked at by who knows its id. Lists show less. */
export const canSee = (view: ImageView, image: Image, viewer: Viewer): boolean =>
  isAdmin(viewer) ||
  image.visibility === 'public' ||
  image.visibility === 'community' ||
  image.owner === viewer.projectId ||
  membershipOf(view, image, viewer) !== undefined;

/** What only an admin may do, depending on what a body says. @throws HttpError 403. */
export const needAdmin = (viewer: Viewer, rule: string): void => {
  if (!isAdmin(viewer)) throw forbidden(`You are not authorized to perform the requested action: ${rule}.`);
};
