import { PUBLIC } from '../http/route.js';
import type { Service } from '../http/service.js';
import type { Identity } from '../identity/identity.js';
import { renderError } from '../identity/render-error.js';
import { renderVersions } from '../identity/routes/discovery.js';

/** Who is given the address of the server alone finds identity there, and by its catalogue the rest. */
export const createRootService = ({ url }: Identity): Service => ({
  name: 'root',
  path: '',
  rules: {},
  routes: [{ method: 'GET', path: '/', rule: PUBLIC, handle: () => ({ status: 300, body: renderVersions(url) }) }],
  renderError,
});
