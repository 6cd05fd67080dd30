import { createRegistry } from '@etcd-compute/common/serving/metrics-registry';
import { expect, test } from 'vitest';

test('counts by labels, in the text format of Prometheus', () => {
  const registry = createRegistry();
  const requests = registry.counter('requests_total', 'Requests.');
  requests.add({ route: '/a', status: '200' });
  requests.add({ route: '/a', status: '200' });
  requests.add({ route: 'with "quotes"\n', status: '404' });
  registry.counter('nothing_total', 'Nothing yet.');
  registry.reading({ name: 'now', help: 'Now.', type: 'gauge' }, () => 1.5);
  expect(registry.render()).toBe(`# HELP requests_total Requests.
# TYPE requests_total counter
requests_total{route="/a",status="200"} 2
requests_total{route="with \\"quotes\\"\\n",status="404"} 1
# HELP nothing_total Nothing yet.
# TYPE nothing_total counter
nothing_total 0
# HELP now Now.
# TYPE now gauge
now 1.5
`);
});

test('a histogram counts each value in every bucket that is as large, and in that without bound', () => {
  const registry = createRegistry();
  const durations = registry.histogram('seconds', 'Time.');
  for (const seconds of [0.001, 0.3, 99]) durations.observe(seconds, { route: '/a' });
  const lines = registry.render().split('\n');
  expect(lines).toContain('seconds_bucket{route="/a",le="0.001"} 1');
  expect(lines).toContain('seconds_bucket{route="/a",le="0.25"} 1');
  expect(lines).toContain('seconds_bucket{route="/a",le="0.5"} 2');
  expect(lines).toContain('seconds_bucket{route="/a",le="10"} 2');
  expect(lines).toContain('seconds_bucket{route="/a",le="+Inf"} 3');
  expect(lines).toContain('seconds_sum{route="/a"} 99.301');
  expect(lines).toContain('seconds_count{route="/a"} 3');
});
