import type { Route } from '../../http/route.js';
import type { Images } from '../images.js';

export const IMPORT_METHODS = ['glance-direct', 'web-download'] as const;

/** What the service can do. */
export const createInfoRoutes = ({ blobs }: Images): readonly Route[] => [
  {
    method: 'GET',
    path: '/v2/info/import',
    rule: 'get_import_info',
    handle: () => ({
      status: 200,
      body: {
        'import-methods': { description: 'Import methods available.', type: 'array', value: IMPORT_METHODS },
      },
    }),
  },
  {
    method: 'GET',
    path: '/v2/info/stores',
    rule: 'get_import_info',
    handle: () => ({ status: 200, body: { stores: [{ id: blobs.storeId, default: 'true' }] } }),
  },
];
