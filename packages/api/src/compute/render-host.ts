import type { HostView } from '@etcd-compute/cloud/hosts/view';

/** The agent of a host, as Nova's clients know it. */
export interface ServiceState {
  readonly binary: string;
  readonly status: 'enabled' | 'disabled';
  readonly state: 'up' | 'down';
  readonly disabledReason: string | null;
}

/** What takes no new servers because somebody wants it so is disabled; what cannot take any is down. */
export const renderService = ({ state, drain, trouble }: HostView): ServiceState => ({
  binary: 'nova-compute',
  status: drain ? 'disabled' : 'enabled',
  state: state === 'down' || trouble !== null ? 'down' : 'up',
  disabledReason: drain ? (drain.reason ?? 'drained') : null,
});
