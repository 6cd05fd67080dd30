import { createRegistry } from '@etcd-compute/common/serving/metrics-registry';
import { describeProcess } from '@etcd-compute/common/serving/process-metrics';
import type { StatusPage } from '@etcd-compute/common/serving/status-page';
import type { Served } from '../http/served.js';

export interface ServerMetrics {
  readonly page: StatusPage;
  readonly countServed: (served: Served) => void;
}

export const createServerMetrics = (): ServerMetrics => {
  const registry = createRegistry();
  const requests = registry.counter('eapi_requests_total', 'Requests that were answered.');
  const gone = registry.counter('eapi_requests_left_total', 'Requests whose callers went away before the answer.');
  const durations = registry.histogram('eapi_request_duration_seconds', 'How long answers took.');
  describeProcess(registry);
  return {
    page: {
      path: '/metrics',
      render: async () => ({
        status: 200,
        contentType: 'text/plain; version=0.0.4; charset=utf-8',
        body: registry.render(),
      }),
    },
    countServed: ({ method, route = 'none', answer }) => {
      if (!answer) {
        gone.add({ method, route });
        return;
      }
      requests.add({ method, route, status: answer.status.toString() });
      durations.observe(answer.durationMs / 1000, { method, route });
    },
  };
};
