import { HttpError, notFound } from '../../http/http-error.js';
import { badRequest } from '../../http/http-error.js';
import { paramOf, type ApiRequest, type Route } from '../../http/route.js';
import { MAX_TAGS, tagSchema } from '../engine/fields.js';
import { stillThere, targetOf } from '../engine/find-image.js';
import type { Images } from '../images.js';
import type { Image } from '../state/records.js';

export const createTagRoutes = (images: Images): readonly Route[] => {
  const { store, now } = images;
  const route = (method: 'PUT' | 'DELETE', change: (image: Image, tag: string) => readonly string[]): Route => ({
    method,
    path: '/v2/images/:id/tags/:tag',
    rule: 'modify_image',
    target: targetOf(images),
    handle: async (request) => {
      const tag = readTag(request);
      await store.write((draft) => {
        const image = stillThere(draft.view, paramOf(request, 'id'));
        draft.put('image', { ...image, tags: [...change(image, tag)], updated_at: now() });
      });
      return { status: 204 };
    },
  });
  return [
    route('PUT', ({ tags }, tag) => {
      const after = [...new Set([...tags, tag])];
      if (after.length > MAX_TAGS) throw new HttpError(413, `An image has at most ${MAX_TAGS} tags.`);
      return after;
    }),
    route('DELETE', ({ tags }, tag) => {
      if (!tags.includes(tag)) throw notFound(`The image has no tag '${tag}'.`);
      return tags.filter((other) => other !== tag);
    }),
  ];
};

const readTag = (request: ApiRequest): string => {
  const parsed = tagSchema.safeParse(paramOf(request, 'tag'));
  if (!parsed.success) throw badRequest('A tag has 1 to 255 characters.');
  return parsed.data;
};
