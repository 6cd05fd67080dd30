import { createHash } from 'node:crypto';
import type { Caller } from '../../../http/caller.js';
import { isAdmin } from '../../engine/find-flavor.js';
import { addressesOf } from '../../../network/engine/ports.js';
import { linksTo } from '../../links.js';
import { nicsOf } from '../engine/nics-of.js';
import { updatedAt, type Seen } from '../engine/list-servers.js';
import type { OwnFlavor } from '../state/server-record.js';

/** What answers show of a server: https://docs.openstack.org/api-ref/compute/#show-server-details */

export interface RenderOptions {
  readonly url: string;
  readonly minor: number;
  readonly caller: Caller;
  readonly hostnameOf: (host: string) => string | null;
  readonly zoneOf: (hostname: string) => string;
}

/** Nova's times of answers are in whole seconds. */
export const toSeconds = (time: string): string => time.replace(/\.\d+Z$/, 'Z');
/** And of some members, without a zone. */
export const toMicroseconds = (time: string): string =>
  time.replace(/(?:\.(\d+))?Z$/, (_, digits = '') => `.${String(digits).padEnd(6, '0')}`);

export const renderBriefly = ({ server }: Seen, { url }: Pick<RenderOptions, 'url'>): object => ({
  id: server.id,
  name: server.name,
  links: linksTo(`servers/${server.id}`, url),
});

const renderFlavor = (
  { id, name, vcpus, ram_mib, disk_gib, ephemeral_gib, extra_specs }: OwnFlavor,
  { url, minor }: RenderOptions,
): object =>
  minor >= 47
    ? { vcpus, ram: ram_mib, disk: disk_gib, ephemeral: ephemeral_gib, swap: 0, original_name: name, extra_specs }
    : { id, links: linksTo(`flavors/${id}`, url).slice(1) };

const PROGRESS: readonly string[] = ['ACTIVE', 'BUILD', 'REBUILD', 'RESIZE', 'VERIFY_RESIZE', 'MIGRATING'];

const renderFault = ({ server, report, status }: Seen): object => {
  if (status.vmState !== 'error' && status.vmState !== 'deleted') return {};
  if (server.fault) {
    const { code, message, created_at } = server.fault;
    return { fault: { code, message, created: toSeconds(created_at) } };
  }
  const fault = report?.state === 'error' ? report.fault : null;
  return fault ? { fault: { code: 500, message: fault.message, created: toSeconds(report?.updated_at ?? '') } } : {};
};

/** What a project knows a host by. */
export const hostIdOf = ({ project }: Pick<Seen['server'], 'project'>, report: Seen['report']): string =>
  report
    ? createHash('sha224')
        .update(project + report.host)
        .digest('hex')
    : '';

/** Without what is not shown of addresses elsewhere. */
export const briefAddresses = (addresses: ReturnType<typeof addressesOf>) =>
  Object.fromEntries(
    Object.entries(addresses).map(([network, all]) => [network, all.map(({ addr, version }) => ({ addr, version }))]),
  );

/** What `PUT` and rebuild show, too. */
export const renderCommon = (item: Seen, options: RenderOptions): Record<string, unknown> => {
  const { server, report, status } = item;
  const { url, minor } = options;
  return {
    id: server.id,
    name: server.name,
    status: status.status,
    tenant_id: server.project,
    user_id: server.user,
    metadata: server.metadata,
    hostId: hostIdOf(server, report),
    image: { id: server.image, links: linksTo(`images/${server.image}`, url).slice(1) },
    flavor: renderFlavor(server.flavor, options),
    created: toSeconds(server.created_at),
    updated: toSeconds(updatedAt(item)),
    addresses: briefAddresses(addressesOf({ nics: nicsOf(report) })),
    accessIPv4: server.access_ipv4,
    accessIPv6: server.access_ipv6,
    links: linksTo(`servers/${server.id}`, url),
    'OS-DCF:diskConfig': server.disk_config,
    ...(PROGRESS.includes(status.status) && { progress: status.status === 'ACTIVE' ? 100 : 0 }),
    ...renderFault(item),
    ...(minor >= 9 && { locked: server.locked !== null }),
    ...(minor >= 19 && { description: server.description }),
    ...(minor >= 26 && { tags: server.tags }),
    ...(minor >= 63 && { trusted_image_certificates: null }),
    ...(minor >= 73 && { locked_reason: server.locked?.reason ?? null }),
  };
};

const renderForAdmins = ({ server, report }: Seen, { minor, caller, hostnameOf }: RenderOptions): object => {
  if (!isAdmin(caller)) return {};
  const host = report ? (hostnameOf(report.host) ?? report.host) : null;
  return {
    'OS-EXT-SRV-ATTR:host': host,
    'OS-EXT-SRV-ATTR:hypervisor_hostname': host,
    'OS-EXT-SRV-ATTR:instance_name': server.id,
    ...(minor >= 3 && {
      'OS-EXT-SRV-ATTR:hostname': server.hostname,
      'OS-EXT-SRV-ATTR:reservation_id': server.reservation_id,
      'OS-EXT-SRV-ATTR:launch_index': server.launch_index,
      'OS-EXT-SRV-ATTR:kernel_id': '',
      'OS-EXT-SRV-ATTR:ramdisk_id': '',
      'OS-EXT-SRV-ATTR:root_device_name': '/dev/vda',
      'OS-EXT-SRV-ATTR:user_data': server.user_data,
    }),
    ...(minor >= 16 && { host_status: report ? (hostnameOf(report.host) === null ? 'UNKNOWN' : 'UP') : '' }),
  };
};

export const renderServer = (item: Seen, options: RenderOptions): Record<string, unknown> => {
  const { server, report, status } = item;
  const { hostnameOf, zoneOf } = options;
  const hostname = report ? hostnameOf(report.host) : null;
  return {
    ...renderCommon(item, options),
    addresses: addressesOf({ nics: nicsOf(report) }),
    key_name: server.key_name,
    config_drive: server.has_config_drive ? 'True' : '',
    ...(status.status !== 'ERROR' || server.is_placed ? { security_groups: [{ name: 'default' }] } : {}),
    'OS-EXT-AZ:availability_zone': hostname === null ? (server.availability_zone ?? '') : zoneOf(hostname),
    'OS-EXT-STS:vm_state': status.vmState,
    'OS-EXT-STS:task_state': status.taskState,
    'OS-EXT-STS:power_state': status.powerState,
    'OS-SRV-USG:launched_at': server.launched_at === null ? null : toMicroseconds(server.launched_at),
    'OS-SRV-USG:terminated_at': server.deleted_at === null ? null : toMicroseconds(server.deleted_at),
    'os-extended-volumes:volumes_attached': [],
    ...renderForAdmins(item, options),
  };
};
