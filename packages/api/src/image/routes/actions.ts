import { HttpError } from '../../http/http-error.js';
import { paramOf, type Route } from '../../http/route.js';
import { stillThere, targetOf } from '../engine/find-image.js';
import type { Images } from '../images.js';
import type { Status } from '../state/records.js';

/** What is deactivated is downloaded by admins alone, and no new server boots from it. */
export const createActionRoutes = (images: Images): readonly Route[] => {
  const { store, now } = images;
  const route = (action: 'deactivate' | 'reactivate', leadsTo: Status): Route => ({
    method: 'POST',
    path: `/v2/images/:id/actions/${action}`,
    rule: action,
    target: targetOf(images),
    handle: async (request) => {
      const id = paramOf(request, 'id');
      await store.write((draft) => {
        const image = stillThere(draft.view, id);
        if (image.status !== 'active' && image.status !== 'deactivated')
          throw new HttpError(403, `Not allowed to ${action} image in status '${image.status}'`);
        if (image.status !== leadsTo) draft.put('image', { ...image, status: leadsTo, updated_at: now() });
      });
      return { status: 204 };
    },
  });
  return [route('deactivate', 'deactivated'), route('reactivate', 'active')];
};
