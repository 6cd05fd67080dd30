import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Registry } from './metrics-registry.js';

/** In the names that Prometheus has for what every process has. */
export const describeProcess = ({ reading }: Registry): void => {
  const delay = monitorEventLoopDelay();
  delay.enable();
  const startedAt = Date.now() / 1000 - process.uptime();
  reading({ name: 'process_start_time_seconds', type: 'gauge', help: 'When the process started.' }, () => startedAt);
  reading({ name: 'process_resident_memory_bytes', type: 'gauge', help: 'Memory.' }, () => process.memoryUsage.rss());
  reading({ name: 'process_cpu_seconds_total', type: 'counter', help: 'Processor time.' }, () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  });
  reading(
    { name: 'nodejs_eventloop_lag_p99_seconds', type: 'gauge', help: 'How late timers were since the last look.' },
    () => {
      const seconds = delay.percentile(99) / 1e9;
      delay.reset();
      return seconds;
    },
  );
};
