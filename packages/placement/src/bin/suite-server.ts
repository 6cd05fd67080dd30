import { parseArgs } from 'node:util';
import { createApp } from '../http/app.js';
import { trustHeaders } from '../http/caller.js';
import { CORS_DEFAULTS } from '@etcd-compute/common/serving/cors';
import { createPolicy, POLICY_DEFAULTS, type PolicyConfig } from '../http/policy/policy.js';
import { POLICY_RULES } from '../http/policy/rules.js';
import { createRoutes } from '../http/routes/routes.js';
import { createMemoryStore } from '../store/memory-store.js';
import type { PlacementStore } from '../store/placement-store.js';

/**
 * `suite-server [--store memory|etcd] [--etcd URL] FIXTURE DIR`: a server with an empty store, as a fixture of OpenStack Placement's
 * functional suite wants it. In etcd that is a prefix of its own. It listens on port $GABBI_PORT, prints that port on one line, and
 * serves until it is killed, or whoever started it has gone.
 */

const { values, positionals } = parseArgs({
  options: {
    store: { type: 'string', default: 'memory' },
    etcd: { type: 'string', default: 'http://127.0.0.1:2379' },
  },
  allowPositionals: true,
});
const [fixture = 'APIFixture'] = positionals;

/** The fixtures that differ from the others in who may do what. */
const POLICIES: Readonly<Record<string, Partial<PolicyConfig>>> = {
  SecureRBACPolicyFixture: { enforceNewDefaults: true },
  OpenPolicyFixture: {
    rules: Object.fromEntries(POLICY_RULES.filter(({ name }) => name !== 'admin_api').map(({ name }) => [name, '@'])),
  },
};

const createStore = async (kind: string): Promise<PlacementStore> => {
  if (kind === 'memory') return createMemoryStore();
  // It takes a third of the start, and a server is started for each file of the suite.
  if (kind === 'etcd') return (await import('./suite-etcd-store.js')).openSuiteStore(values.etcd);
  throw new Error(`there is no store that is called ${kind}`);
};

const port = Number(process.env['GABBI_PORT']);
const app = createApp({
  routes: createRoutes(),
  store: await createStore(values.store),
  config: {
    authenticate: trustHeaders,
    policy: createPolicy({ ...POLICY_DEFAULTS, ...POLICIES[fixture] }),
    ...(fixture === 'CORSFixture'
      ? {
          cors: {
            ...CORS_DEFAULTS,
            allowedOrigins: ['http://valid.example.com'],
            allowHeaders: ['openstack-api-version'],
          },
        }
      : {}),
  },
  onFault: (error) => process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`),
});
const starter = process.ppid;
setInterval(() => {
  if (process.ppid !== starter) process.exit();
}, 1000).unref();
await app.listen({ host: '127.0.0.1', port });
process.stdout.write(`${port}\n`);
