import { createApp } from '@etcd-compute/placement/http/app';
import { trustHeaders } from '@etcd-compute/placement/http/caller';
import { createPolicy, POLICY_DEFAULTS } from '@etcd-compute/placement/http/policy/policy';
import { createRoutes } from '@etcd-compute/placement/http/routes/routes';
import { createMemoryStore } from '@etcd-compute/placement/store/memory-store';
import type { PlacementStore } from '@etcd-compute/placement/store/placement-store';

/** Ours, in this process, over HTTP like the other. */
export interface OurServer extends AsyncDisposable {
  readonly endpoint: string;
  readonly store: PlacementStore;
}

export const startOurs = async (): Promise<OurServer> => {
  const store = createMemoryStore();
  const app = createApp({
    routes: createRoutes(),
    store,
    config: { authenticate: trustHeaders, policy: createPolicy(POLICY_DEFAULTS) },
    onFault: (error) => process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`),
  });
  const endpoint = await app.listen({ host: '127.0.0.1', port: 0 });
  return { endpoint, store, [Symbol.asyncDispose]: () => app.close() };
};
