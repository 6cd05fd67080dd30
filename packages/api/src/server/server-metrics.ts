import { createRegistry } from '@etcd-compute/common/serving/metrics-registry';
import { describeProcess } from '@etcd-compute/common/serving/process-metrics';
import { createMetricsPage, measureRequests } from '@etcd-compute/common/serving/request-metrics';
import type { StatusPage } from '@etcd-compute/common/serving/status-page';
import type { Served } from '../http/served.js';

export interface ServerMetrics {
  readonly page: StatusPage;
  readonly countServed: (served: Served) => void;
}

export const createServerMetrics = (): ServerMetrics => {
  const registry = createRegistry();
  const countServed = measureRequests(registry, 'eapi');
  describeProcess(registry);
  return { page: createMetricsPage(registry), countServed };
};
