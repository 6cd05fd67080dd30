/** Network XML: https://libvirt.org/formatnetwork.html */
import { parseXml, renderXml } from './document.js';
import type { ReadElement, XmlElement } from './document.js';

/** A fixed address for one MAC address. */
export interface DhcpHost {
  readonly mac: string;
  readonly name?: string;
  readonly ip: string;
}

export interface NetworkDhcp {
  readonly ranges: readonly { readonly start: string; readonly end: string }[];
  /** Of the ranges; dnsmasq's own default is an hour. */
  readonly leaseSeconds?: number;
  readonly hosts: readonly DhcpHost[];
}

export interface NetworkIp {
  readonly address: string;
  readonly prefix: number;
  readonly dhcp?: NetworkDhcp;
}

export interface NetworkSpec {
  readonly name: string;
  readonly uuid?: string;
  readonly bridge: {
    /** libvirt chooses one when missing. */
    readonly name?: string;
    readonly stp: boolean;
    /** Forward delay of a bridge with STP, in seconds. */
    readonly delay: number;
  };
  /** Missing: an isolated network. */
  readonly forward?: 'nat' | 'route' | 'open';
  /** Only with `nat`: IPv6 is translated too. Otherwise it is routed. */
  readonly natIpv6?: boolean;
  readonly ip: NetworkIp;
  /** Beside an IPv4 `ip`. */
  readonly ip6?: NetworkIp;
  /** Lines for dnsmasq's own configuration, such as `no-ping`: https://libvirt.org/formatnetwork.html#network-namespaces */
  readonly dnsmasqOptions?: readonly string[];
}

const DNSMASQ_NAMESPACE = 'http://libvirt.org/schemas/network/dnsmasq/1.0';

const hostMember = (host: DhcpHost): XmlElement => ({ '@mac': host.mac, '@name': host.name, '@ip': host.ip });

function dhcpMember(dhcp: NetworkDhcp): XmlElement {
  const { leaseSeconds } = dhcp;
  const lease = leaseSeconds === undefined ? undefined : { '@expiry': leaseSeconds, '@unit': 'seconds' };
  return {
    range: dhcp.ranges.map(({ start, end }) => ({ '@start': start, '@end': end, lease })),
    host: dhcp.hosts.map(hostMember),
  };
}

const ipMember = ({ address, prefix, dhcp }: NetworkIp): XmlElement => ({
  '@family': address.includes(':') ? 'ipv6' : 'ipv4',
  '@address': address,
  '@prefix': prefix,
  dhcp: dhcp && dhcpMember(dhcp),
});

/** Renders a network's definition. Throws `XmlValueError`. */
export function renderNetwork(spec: NetworkSpec): string {
  const { ip, ip6, dnsmasqOptions } = spec;
  return renderXml({
    network: {
      '@xmlns:dnsmasq': dnsmasqOptions && DNSMASQ_NAMESPACE,
      name: spec.name,
      uuid: spec.uuid,
      forward: spec.forward && {
        '@mode': spec.forward,
        nat: spec.natIpv6 === true ? { '@ipv6': 'yes' } : undefined,
      },
      bridge: { '@name': spec.bridge.name, '@stp': spec.bridge.stp ? 'on' : 'off', '@delay': spec.bridge.delay },
      ip: [ip, ...(ip6 ? [ip6] : [])].map(ipMember),
      'dnsmasq:options': dnsmasqOptions && {
        'dnsmasq:option': dnsmasqOptions.map((value) => ({ '@value': value })),
      },
    },
  });
}

/** Renders one <host>, for `Network.update` with section `IP_DHCP_HOST`. Throws `XmlValueError`. */
export function renderDhcpHost(host: DhcpHost): string {
  return renderXml({ host: hostMember(host) });
}

function readHost(host: ReadElement): DhcpHost {
  const name = host.attribute('name');
  return { mac: host.attribute('mac') ?? '', ip: host.attribute('ip') ?? '', ...(name === undefined ? {} : { name }) };
}

function readDhcp(dhcp: ReadElement): NetworkDhcp {
  const ranges = dhcp.children('range');
  const lease = ranges[0]?.child('lease');
  const expiry = lease?.attribute('expiry');
  const secondsPerUnit = { seconds: 1, minutes: 60, hours: 3600 }[lease?.attribute('unit') ?? 'minutes'] ?? 60;
  return {
    ranges: ranges.map((range) => ({ start: range.attribute('start') ?? '', end: range.attribute('end') ?? '' })),
    ...(expiry === undefined ? {} : { leaseSeconds: Number(expiry) * secondsPerUnit }),
    hosts: dhcp.children('host').map(readHost),
  };
}

/** The prefix length of an IPv4 netmask, which libvirt prints for networks that were defined with one. */
function prefixOfNetmask(netmask: string): number {
  return netmask
    .split('.')
    .map((part) => Number(part).toString(2).replaceAll('0', '').length)
    .reduce((sum, bits) => sum + bits, 0);
}

function readIp(ip: ReadElement): NetworkIp {
  const prefix = ip.attribute('prefix') ?? String(prefixOfNetmask(ip.attribute('netmask') ?? ''));
  return {
    address: ip.attribute('address') ?? '',
    prefix: Number(prefix),
    ...(ip.has('dhcp') ? { dhcp: readDhcp(ip.child('dhcp')) } : {}),
  };
}

/** Reads a network's XML: its first address, the first IPv6 one beside it, and what else this package renders. */
export function parseNetwork(xml: string): NetworkSpec {
  const network = parseXml(xml, 'network');
  const bridge = network.child('bridge');
  const ip6 = network
    .children('ip')
    .slice(1)
    .find((ip) => ip.attribute('family') === 'ipv6');
  const uuid = network.child('uuid').text();
  const bridgeName = bridge.attribute('name');
  const forward = (['nat', 'route', 'open'] as const).find(
    (mode) => mode === network.child('forward').attribute('mode'),
  );
  const options = network.child('dnsmasq:options').children('dnsmasq:option');
  return {
    name: network.child('name').text() ?? '',
    ...(uuid === undefined ? {} : { uuid }),
    bridge: {
      ...(bridgeName === undefined ? {} : { name: bridgeName }),
      stp: bridge.attribute('stp') !== 'off',
      delay: Number(bridge.attribute('delay') ?? '0'),
    },
    ...(forward === undefined ? {} : { forward }),
    ...(network.child('forward').child('nat').attribute('ipv6') === 'yes' ? { natIpv6: true } : {}),
    ip: readIp(network.child('ip')),
    ...(ip6 === undefined ? {} : { ip6: readIp(ip6) }),
    ...(options.length === 0 ? {} : { dnsmasqOptions: options.map((option) => option.attribute('value') ?? '') }),
  };
}
