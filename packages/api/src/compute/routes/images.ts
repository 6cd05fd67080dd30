import { notFound } from '../../http/http-error.js';
import { callerOf, paramOf, type Route } from '../../http/route.js';
import { needImage } from '../../image/engine/find-image.js';
import { listImages } from '../../image/engine/list-images.js';
import { removeImage } from '../../image/engine/remove-image.js';
import type { Compute } from '../compute.js';
import { computeRoute, type ComputeRequest } from '../compute-route.js';
import { toImageQuery } from '../engine/image-query.js';
import { renderImage, renderImageBriefly } from '../render-image.js';

/** The last versions that have them: clients of later ones ask the image service. */
const UNTIL = 35;
const METADATA_UNTIL = 38;

/** What the image service has, to be looked at and deleted. https://docs.openstack.org/api-ref/compute/#images-deprecated */
export const createImageRoutes = ({ images, url }: Compute): readonly Route[] => {
  const options = { url, imageUrl: images.url };
  const list = async (
    { query, caller }: ComputeRequest,
    { path, render }: { readonly path: string; readonly render: typeof renderImage },
  ) => {
    await images.store.look();
    const { images: found, nextMarker } = listImages(images.store.view(), toImageQuery(query), caller);
    const next = new URLSearchParams(query);
    if (nextMarker !== undefined) next.set('marker', nextMarker);
    return {
      status: 200,
      body: {
        images: found.map((image) => render(image, options)),
        ...(nextMarker !== undefined && {
          images_links: [{ rel: 'next', href: `${url}${path}?${next.toString()}` }],
        }),
      },
    };
  };
  /** @throws HttpError 404. */
  const find = async (request: Pick<ComputeRequest, 'params' | 'caller'>) => {
    await images.store.look();
    return needImage(images.store.view(), paramOf(request, 'id'), request.caller);
  };

  return [
    computeRoute({
      method: 'GET',
      path: '/images',
      until: UNTIL,
      rule: 'compute:images:list',
      handle: async (request) => list(request, { path: '/images', render: renderImageBriefly }),
    }),
    computeRoute({
      method: 'GET',
      path: '/images/detail',
      until: UNTIL,
      rule: 'compute:images:list',
      handle: async (request) => list(request, { path: '/images/detail', render: renderImage }),
    }),
    computeRoute({
      method: 'GET',
      path: '/images/:id',
      until: UNTIL,
      rule: 'compute:images:show',
      handle: async (request) => ({ status: 200, body: { image: renderImage(await find(request), options) } }),
    }),
    computeRoute({
      method: 'DELETE',
      path: '/images/:id',
      until: UNTIL,
      rule: 'compute:images:delete',
      target: async (request) => ({
        'target.project_id': (await find({ params: request.params, caller: callerOf(request) })).owner,
      }),
      handle: async (request) => {
        await removeImage(images, paramOf(request, 'id'));
        return { status: 204 };
      },
    }),
    computeRoute({
      method: 'GET',
      path: '/images/:id/metadata',
      until: METADATA_UNTIL,
      rule: 'compute:images:show',
      handle: async (request) => ({ status: 200, body: { metadata: (await find(request)).properties } }),
    }),
    computeRoute({
      method: 'GET',
      path: '/images/:id/metadata/:key',
      until: METADATA_UNTIL,
      rule: 'compute:images:show',
      handle: async (request) => {
        const key = paramOf(request, 'key');
        const { properties } = await find(request);
        if (!Object.hasOwn(properties, key)) throw notFound('Invalid metadata key');
        return { status: 200, body: { meta: { [key]: properties[key] } } };
      },
    }),
  ];
};
