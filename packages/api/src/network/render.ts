import type { CloudNetwork, Subnet } from './engine/networks.js';
import type { Port } from './engine/ports.js';
import type { GroupRule, SecurityGroup } from './engine/security-group.js';

/** Bodies of https://docs.openstack.org/api-ref/network/v2/. Attributes of which nothing is known are left out. */

const owned = (project: string) => ({ project_id: project, tenant_id: project });

/** Networks and subnets are the hosts', and of no project. */
const NOBODYS = owned('');

const hostsText = (count: number): string => (count === 1 ? 'One host has' : `${count} hosts have`);

export const renderNetwork = ({ id, name, hosts, subnets }: CloudNetwork) => ({
  id,
  name,
  description: `${hosts === 0 ? 'No host has' : hostsText(hosts)} this network now. It does not reach from one host to another, unless it is a bridge to a network that does.`,
  admin_state_up: true,
  status: hosts === 0 ? 'DOWN' : 'ACTIVE',
  shared: true,
  'router:external': false,
  l2_adjacency: false,
  availability_zone_hints: [],
  availability_zones: [],
  subnets: subnets.map((subnet) => subnet.id),
  tags: [],
  ...NOBODYS,
});

export const renderSubnet = ({ id, network, version, cidr, gateway, first, last, hosts }: Subnet) => ({
  id,
  name: `${network.name}-ipv${version}`,
  description: `${hostsText(hosts)} this subnet now, each all of it to itself: servers on different hosts may have the same address.`,
  network_id: network.id,
  ip_version: version,
  cidr,
  gateway_ip: gateway,
  allocation_pools: [{ start: first, end: last }],
  enable_dhcp: true,
  dns_nameservers: version === 4 ? [gateway] : [],
  host_routes: [],
  ipv6_address_mode: version === 6 ? 'dhcpv6-stateful' : null,
  ipv6_ra_mode: version === 6 ? 'dhcpv6-stateful' : null,
  segment_id: null,
  service_types: [],
  subnetpool_id: null,
  tags: [],
  ...NOBODYS,
});

/** @param isOverseer is told the host, too. */
export const renderPort = (port: Port, group: SecurityGroup, isOverseer: boolean) => ({
  id: port.id,
  name: '',
  description: '',
  network_id: port.network.id,
  mac_address: port.mac,
  fixed_ips: port.addresses.map(({ address, subnet }) => ({ subnet_id: subnet, ip_address: address })),
  device_id: port.device,
  device_owner: 'compute:nova',
  admin_state_up: true,
  status: port.status,
  security_groups: [group.id],
  allowed_address_pairs: [],
  extra_dhcp_opts: [],
  'binding:vnic_type': 'normal',
  ...(isOverseer && {
    'binding:host_id': port.host ?? '',
    'binding:profile': {},
    'binding:vif_type': 'bridge',
    'binding:vif_details': {},
  }),
  created_at: secondsOf(port.createdAt),
  updated_at: secondsOf(port.updatedAt),
  tags: [],
  ...owned(port.project),
});

const secondsOf = (time: string | null): string | null => time && time.replace(/\.\d+Z$/, 'Z');

export const renderGroup = (group: SecurityGroup) => ({
  id: group.id,
  name: group.name,
  description: group.description,
  stateful: true,
  shared: false,
  security_group_rules: group.rules.map(renderGroupRule),
  tags: [],
  ...owned(group.project),
});

export const renderGroupRule = (rule: GroupRule) => ({
  id: rule.id,
  description: rule.description,
  security_group_id: rule.group,
  direction: rule.direction,
  ethertype: rule.ethertype,
  protocol: null,
  port_range_min: null,
  port_range_max: null,
  remote_group_id: null,
  remote_ip_prefix: null,
  remote_address_group_id: null,
  tags: [],
  ...owned(rule.project),
});
