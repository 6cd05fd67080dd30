import type { HostView } from '@etcd-compute/cloud/hosts/view';

/** A host that is up and empty. */
export const aHost = (name: string, more: Partial<HostView> = {}): HostView => ({
  host: `00000000-0000-4000-8000-${Buffer.from(name).toString('hex').padStart(12, '0').slice(-12)}`,
  name,
  state: 'up',
  drain: null,
  trouble: null,
  resources: {},
  traits: [],
  instances: 0,
  agent: { version: '0.1.0', session: 'x', startedAt: '2026-01-01T00:00:00.000Z' },
  ...more,
});
