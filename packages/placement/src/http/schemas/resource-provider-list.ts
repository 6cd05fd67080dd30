import { objectOf, perVersion, UUID } from './build.js';

const TEXT = { type: 'string' };

/** The query of `GET /resource_providers`. */
export const providerListQuerySchema = perVersion([0, 3, 4, 14, 18], (version) =>
  objectOf({
    properties: {
      name: TEXT,
      uuid: UUID,
      ...(version >= 3 && { member_of: TEXT }),
      ...(version >= 4 && { resources: TEXT }),
      ...(version >= 14 && { in_tree: UUID }),
      ...(version >= 18 && { required: TEXT }),
    },
    required: [],
  }),
);
