import { z } from 'zod';
import { conflict, forbidden, notFound } from '../../http/http-error.js';
import { callerOf, paramOf, withBody, type ApiRequest, type Route } from '../../http/route.js';
import { needAdmin } from '../engine/access.js';
import { createBody, planImage } from '../engine/create.js';
import { needImage, stillThere, targetOf } from '../engine/find-image.js';
import { listImages } from '../engine/list-images.js';
import { applyChanges, readChanges } from '../engine/patch.js';
import { removeImage } from '../engine/remove-image.js';
import type { Images } from '../images.js';
import { pathOfImage, renderImage } from '../render.js';
import type { Image } from '../state/records.js';
import { IMPORT_METHODS } from './info.js';

export const createImageRoutes = (images: Images): readonly Route[] => {
  const { store, now } = images;
  const target = targetOf(images);
  return [
    {
      method: 'GET',
      path: '/v2/images',
      rule: 'get_images',
      handle: (request) => ({ status: 200, body: renderList(images, request) }),
    },
    withBody({
      method: 'POST',
      path: '/v2/images',
      rule: 'add_image',
      body: createBody,
      handle: async (request) => {
        const caller = callerOf(request);
        const { body } = request;
        if (body.visibility === 'public') needAdmin(caller, 'publicize_image');
        if (body.owner !== undefined && body.owner !== caller.projectId) needAdmin(caller, 'add_image');
        const owner = body.owner ?? caller.projectId;
        if (owner === undefined) throw forbidden('An image belongs to a project: say which, as owner.');
        const image = planImage({ body, owner, now: now() });
        await store.write((draft) => {
          if (draft.view.get('image', image.id)) throw conflict(`Image ID ${image.id} already exists!`);
          draft.put('image', image);
        });
        return {
          status: 201,
          body: renderImage(image),
          headers: {
            location: `${images.url}${pathOfImage(image.id)}`,
            'openstack-image-import-methods': IMPORT_METHODS.join(','),
            'openstack-image-store-ids': images.blobs.storeId,
          },
        };
      },
    }),
    {
      method: 'GET',
      path: '/v2/images/:id',
      rule: 'get_image',
      handle: (request) => ({
        status: 200,
        body: renderImage(needImage(store.view(), paramOf(request, 'id'), callerOf(request))),
      }),
    },
    withBody({
      method: 'PATCH',
      path: '/v2/images/:id',
      rule: 'modify_image',
      target,
      body: z.unknown(),
      handle: async (request) => {
        const changes = readChanges(request.body, request.header('content-type'));
        const after = await store.write((draft) => {
          const before = stillThere(draft.view, paramOf(request, 'id'));
          const changed = applyChanges(before, changes);
          checkMayChange(before, changed, request);
          if (changes.length === 0) return before;
          const image = { ...changed, updated_at: now() };
          draft.put('image', image);
          return image;
        });
        return { status: 200, body: renderImage(after) };
      },
    }),
    {
      method: 'DELETE',
      path: '/v2/images/:id',
      rule: 'delete_image',
      target,
      handle: async (request) => {
        await removeImage(images, paramOf(request, 'id'));
        return { status: 204 };
      },
    },
  ];
};

const renderList = ({ store }: Images, request: ApiRequest): object => {
  // Without an id it is no image.
  if (/\/images\/(\?|$)/.test(request.url)) throw notFound('The resource could not be found.');
  const { images, nextMarker } = listImages(store.view(), request.query, callerOf(request));
  const first = new URLSearchParams(request.query);
  first.delete('marker');
  const next = new URLSearchParams(first);
  if (nextMarker !== undefined) next.set('marker', nextMarker);
  return {
    images: images.map(renderImage),
    first: withQuery(first),
    ...(nextMarker !== undefined && { next: withQuery(next) }),
    schema: '/v2/schemas/images',
  };
};

const withQuery = (query: URLSearchParams): string => `/v2/images${query.size > 0 ? `?${query.toString()}` : ''}`;

const checkMayChange = (before: Image, after: Image, request: ApiRequest): void => {
  const caller = callerOf(request);
  if (after.visibility === 'public' && before.visibility !== 'public') needAdmin(caller, 'publicize_image');
  if (after.owner !== before.owner) needAdmin(caller, 'modify_image');
};
