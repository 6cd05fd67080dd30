import type { Route } from '../../http/route.js';
import { SCHEMAS } from '../schemas/schemas.js';

export const createSchemaRoutes = (): readonly Route[] =>
  Object.entries(SCHEMAS).map(([name, body]) => ({
    method: 'GET',
    path: `/v2/schemas/${name}`,
    rule: 'get_schemas',
    handle: () => ({ status: 200, body }),
  }));
