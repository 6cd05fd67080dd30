import type { Served } from './http-app.js';
import type { Registry } from './metrics-registry.js';
import type { StatusPage } from './status-page.js';

/** @param server what the names of the metrics begin with. @returns counts a request. */
export const measureRequests = (
  registry: Registry,
  server: string,
): ((served: Pick<Served, 'method' | 'route' | 'answer'>) => void) => {
  const requests = registry.counter(`${server}_requests_total`, 'Requests that were answered.');
  const gone = registry.counter(`${server}_requests_left_total`, 'Requests whose callers went away before the answer.');
  const durations = registry.histogram(`${server}_request_duration_seconds`, 'How long answers took.');
  return ({ method, route = 'none', answer }) => {
    if (!answer) {
      gone.add({ method, route });
      return;
    }
    requests.add({ method, route, status: answer.status.toString() });
    durations.observe(answer.durationMs / 1000, { method, route });
  };
};

export const createMetricsPage = (registry: Registry): StatusPage => ({
  path: '/metrics',
  render: async () => ({
    status: 200,
    contentType: 'text/plain; version=0.0.4; charset=utf-8',
    body: registry.render(),
  }),
});
