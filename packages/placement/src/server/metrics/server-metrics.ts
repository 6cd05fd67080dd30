import type { Served } from '../../http/served.js';
import type { StatusPage } from '@etcd-compute/common/serving/status-page';
import type { StoreObserver } from '../../store/store-observer.js';
import { createRegistry } from '@etcd-compute/common/serving/metrics-registry';
import { describeProcess } from '@etcd-compute/common/serving/process-metrics';
import { createMetricsPage, measureRequests } from '@etcd-compute/common/serving/request-metrics';

export interface ServerMetrics {
  readonly page: StatusPage;
  readonly countServed: (served: Served) => void;
  readonly storeObserver: StoreObserver;
}

export const createServerMetrics = (): ServerMetrics => {
  const registry = createRegistry();
  const countServed = measureRequests(registry, 'eplacement');
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
    page: createMetricsPage(registry),
    countServed,
    storeObserver: {
      onTransaction: () => transactions.add(),
      onConflict: () => conflicts.add(),
      onCaughtUp: (waitedMs) => lag.observe(waitedMs / 1000),
      onLoaded: () => loads.add(),
    },
  };
};
