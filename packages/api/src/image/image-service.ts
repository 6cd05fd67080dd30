import type { Service } from '../http/service.js';
import type { Images } from './images.js';
import { renderError } from './render-error.js';
import { createActionRoutes } from './routes/actions.js';
import { createDiscoveryRoutes } from './routes/discovery.js';
import { createFileRoutes } from './routes/image-file.js';
import { createImageRoutes } from './routes/images.js';
import { createImportRoutes } from './routes/import.js';
import { createInfoRoutes } from './routes/info.js';
import { createMemberRoutes } from './routes/members.js';
import { createSchemaRoutes } from './routes/schemas.js';
import { createTagRoutes } from './routes/tags.js';
import { createTaskRoutes } from './routes/tasks.js';
import { RULES } from './rules.js';

export const IMAGE_PATH = '/image';

export const createImageService = (images: Images): Service => ({
  name: 'image',
  path: IMAGE_PATH,
  rules: RULES,
  routes: [
    createDiscoveryRoutes,
    createImageRoutes,
    createFileRoutes,
    createTagRoutes,
    createActionRoutes,
    createMemberRoutes,
    createImportRoutes,
    createTaskRoutes,
    createInfoRoutes,
    createSchemaRoutes,
  ].flatMap((createRoutes) => createRoutes(images)),
  look: async () => images.store.look(),
  renderError,
});
