import type { HostView } from '@etcd-compute/cloud/hosts/view';
import { idOfHost, type Hypervisor } from './engine/hypervisors.js';
import { renderService } from './render-host.js';

/** The first versions that differ. */
const CPU_AS_OBJECT = 28;
const WITHOUT_AMOUNTS = 88;

interface Named {
  readonly id: string;
}

interface RenderOptions {
  readonly minor: number;
  /** Of the host, when they are asked for. */
  readonly servers?: readonly Named[] | undefined;
}

export const renderHypervisorBriefly = (
  { host }: Hypervisor,
  { minor, servers }: RenderOptions,
): Record<string, unknown> => {
  const { state, status } = renderService(host);
  return {
    id: idOfHost(host, minor),
    hypervisor_hostname: host.name,
    state,
    status,
    ...(servers && servers.length > 0 && { servers: servers.map(({ id }) => ({ uuid: id, name: id })) }),
    ...(servers?.length === 0 && minor >= 75 && { servers: [] }),
  };
};

export const renderHypervisor = (hypervisor: Hypervisor, options: RenderOptions): Record<string, unknown> => {
  const { host, type, version, address } = hypervisor;
  const { minor } = options;
  return {
    ...renderHypervisorBriefly(hypervisor, options),
    hypervisor_type: type,
    hypervisor_version: version,
    host_ip: address,
    service: { id: idOfHost(host, minor), host: host.name, disabled_reason: renderService(host).disabledReason },
    ...(minor >= WITHOUT_AMOUNTS
      ? { uptime: null }
      : { ...renderAmounts([host]), cpu_info: minor >= CPU_AS_OBJECT ? {} : '' }),
  };
};

/** What there is on hosts, and what is used: what is kept for the host counts as used. */
export const renderAmounts = (hosts: readonly HostView[]): Record<string, unknown> => {
  const sum = (name: string, amountOf: (resource: HostView['resources'][string]) => number): number =>
    hosts.reduce((total, { resources: { [name]: resource } }) => total + (resource ? amountOf(resource) : 0), 0);
  const total = (name: string): number => sum(name, (resource) => resource.total);
  const used = (name: string): number => sum(name, (resource) => resource.used + resource.reserved);
  return {
    vcpus: total('VCPU'),
    vcpus_used: sum('VCPU', (resource) => resource.used),
    memory_mb: total('MEMORY_MB'),
    memory_mb_used: used('MEMORY_MB'),
    free_ram_mb: total('MEMORY_MB') - used('MEMORY_MB'),
    local_gb: total('DISK_GB'),
    local_gb_used: used('DISK_GB'),
    free_disk_gb: total('DISK_GB') - used('DISK_GB'),
    disk_available_least: null,
    running_vms: hosts.reduce((count, { instances }) => count + instances, 0),
    current_workload: 0,
  };
};
