import { NEWEST_VERSION, OLDEST_VERSION } from '../microversion.js';
import type { Route } from '../route.js';

/** Which versions there are. Anybody may ask, without a token too. */
export const rootRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/',
    handle: async () => ({
      status: 200,
      lastModified: Date.now(),
      body: {
        versions: [
          {
            id: `v${OLDEST_VERSION}`,
            max_version: NEWEST_VERSION,
            min_version: OLDEST_VERSION,
            status: 'CURRENT',
            // An empty link means the address that was asked: a server does not know what its callers call it.
            links: [{ rel: 'self', href: '' }],
          },
        ],
      },
    }),
  },
];
