import type { PolicyTarget } from '@etcd-compute/common/policy/check';
import { notFound } from '../../http/http-error.js';
import { callerOf, paramOf, type ApiRequest } from '../../http/route.js';
import type { Images, ImageView } from '../images.js';
import type { Image } from '../state/records.js';
import { canSee, membershipOf, type Viewer } from './access.js';

const unknown = (id: string): Error => notFound(`No image found with ID ${id}`);

/** @throws HttpError 404, also of one that the viewer may not see. */
export const needImage = (view: ImageView, id: string, viewer: Viewer): Image => {
  const image = view.get('image', id);
  if (!image || !canSee(view, image, viewer)) throw unknown(id);
  return image;
};

/** Of one that has been let in; it may have gone meanwhile. @throws HttpError 404. */
export const stillThere = (view: ImageView, id: string): Image => {
  const image = view.get('image', id);
  if (!image) throw unknown(id);
  return image;
};

/** What rules are asked about the image `:id`. @throws HttpError 404. */
export const targetOf =
  ({ store }: Images): ((request: Omit<ApiRequest, 'body'>) => PolicyTarget) =>
  (request) => {
    const caller = callerOf(request);
    const image = needImage(store.view(), paramOf(request, 'id'), caller);
    return {
      project_id: image.owner,
      visibility: image.visibility,
      member_id: membershipOf(store.view(), image, caller)?.project,
    };
  };
