import { EcomputeError } from '@etcd-compute/common/errors';
import { z } from 'zod';
import { badRequest } from '../../http/http-error.js';
import { callerOf, paramOf, withBody, type Route } from '../../http/route.js';
import { targetOf } from '../engine/find-image.js';
import { startImport } from '../engine/import-image.js';
import type { StoreId } from '../blobs/blob-store.js';
import type { Images } from '../images.js';

const bodyOf = (store: StoreId) =>
  z.strictObject({
    method: z.discriminatedUnion('name', [
      z.strictObject({ name: z.literal('glance-direct') }),
      z.strictObject({ name: z.literal('web-download'), uri: z.string().max(2048) }),
    ]),
    stores: z
      .array(z.literal(store, `there is one store, which is called ${store}`))
      .min(1)
      .optional(),
    all_stores: z.boolean().optional(),
    all_stores_must_succeed: z.boolean().optional(),
  });

export const createImportRoutes = (images: Images): readonly Route[] => [
  withBody({
    method: 'POST',
    path: '/v2/images/:id/import',
    rule: 'import_image',
    target: targetOf(images),
    body: bodyOf(images.blobs.storeId),
    handle: async (request) => {
      const { userId } = callerOf(request);
      const { method } = request.body;
      const asked = {
        id: paramOf(request, 'id'),
        method,
        input: { import_req: request.body },
        user: userId,
        requestId: request.requestId,
      };
      await startImport(images, asked).catch((err: unknown) => {
        if (err instanceof EcomputeError && err.code === 'ECOMPUTE_IMAGE_URL_REFUSED')
          throw badRequest(`${err.message}.`);
        throw err;
      });
      return { status: 202 };
    },
  }),
];
