import type { Route } from '../../http/route.js';
import { createInstanceActionRoutes } from './routes/instance-actions.js';
import { createInterfaceRoutes } from './routes/interfaces.js';
import { createMetadataRoutes } from './routes/metadata.js';
import { createPartRoutes } from './routes/parts.js';
import { createRemoteConsoleRoutes } from './routes/remote-consoles.js';
import { createServerActionRoutes } from './routes/server-actions.js';
import { createServerRoutes } from './routes/servers.js';
import { createTagRoutes } from './routes/tags.js';
import type { Servers } from './servers.js';

/** All routes below `/servers`. */
export const createAllServerRoutes = (servers: Servers): readonly Route[] =>
  [
    createServerRoutes,
    createServerActionRoutes,
    createMetadataRoutes,
    createTagRoutes,
    createInstanceActionRoutes,
    createPartRoutes,
    createInterfaceRoutes,
    createRemoteConsoleRoutes,
  ].flatMap((createRoutes) => createRoutes(servers));
