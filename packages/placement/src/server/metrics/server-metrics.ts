import type { Served } from '../../http/served.js';
import type { StatusPage } from '@etcd-compute/common/serving/status-page';
import type { StoreObserver } from '../../store/store-observer.js';
import { createRegistry } from '@etcd-compute/common/serving/metrics-registry';
import { describeProcess } from '@etcd-compute/common/serving/process-metrics';

export interface ServerMetrics {
  readonly page: StatusPage;
  readonly countServed: (served: Served) => void;
  readonly storeObserver: StoreObserver;
}

const CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

export const createServerMetrics = (): ServerMetrics => {
  const registry = createRegistry();
  const requests = registry.counter('eplacement_requests_total', 'Requests that were answered.');
  const gone = registry.counter(
    'eplacement_requests_left_total',
    'Requests whose callers went away before the answer.',
  );
  const durations = registry.histogram('eplacement_request_duration_seconds', 'How long answers took.');
  const transactions = registry.counter('eplacement_transactions_total', 'Transactions sent to etcd.');
  const conflicts = registry.counter(
    'eplacement_conflicts_total',
    'Writes that were planned again, because others were faster.',
  );
  const loads = registry.counter(
    'eplacement_loads_total',
    'How often all was read from etcd: once, and after trouble.',
  );
  const lag = registry.histogram(
    'eplacement_watch_lag_seconds',
    'How long the watch took to bring what etcd was known to have, each time that a request needed it.',
  );
  describeProcess(registry);

  return {
    page: {
      path: '/metrics',
      render: async () => ({ status: 200, contentType: CONTENT_TYPE, body: registry.render() }),
    },
    countServed: ({ method, route = 'none', answer }) => {
      if (!answer) {
        gone.add({ method, route });
        return;
      }
      requests.add({ method, route, status: answer.status.toString() });
      durations.observe(answer.durationMs / 1000, { method, route });
    },
    storeObserver: {
      onTransaction: () => transactions.add(),
      onConflict: () => conflicts.add(),
      onCaughtUp: (waitedMs) => lag.observe(waitedMs / 1000),
      onLoaded: () => loads.add(),
    },
  };
};
