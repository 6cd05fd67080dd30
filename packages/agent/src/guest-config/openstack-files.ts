/**
 * The config drive as OpenStack makes it: https://docs.openstack.org/nova/latest/user/metadata.html, with the EC2 part for guests that
 * know only that one.
 */
import type { GuestConfig } from './guest-config.js';
import type { IsoFile } from './iso9660.js';

export const OPENSTACK_LABEL = 'config-2';

interface FilesOptions {
  /** They are for a drive that only the administrator of the guest reads. */
  readonly hasPassword?: boolean;
}

const json = (value: unknown): Buffer => Buffer.from(`${JSON.stringify(value, undefined, 2)}\n`);

const renderMetaData = (
  { instance, hostname, sshKeys, meta, adminPass }: GuestConfig,
  { hasPassword = false }: FilesOptions,
): unknown => ({
  uuid: instance,
  name: hostname,
  hostname,
  launch_index: 0,
  ...(sshKeys.length > 0 && {
    public_keys: Object.fromEntries(sshKeys.map((key, index) => [`key-${index}`, key])),
    keys: sshKeys.map((data, index) => ({ name: `key-${index}`, type: 'ssh', data })),
  }),
  ...(Object.keys(meta).length > 0 && { meta }),
  ...(hasPassword && adminPass !== undefined && { admin_pass: adminPass }),
});

const renderNetworkData = ({ nics }: GuestConfig): unknown => ({
  links: nics.map(({ mac }, index) => ({
    id: `link${index}`,
    type: 'phy',
    ethernet_mac_address: mac,
    mtu: null,
  })),
  networks: nics.flatMap(({ hasDhcp6 = false }, index) => {
    const network = { id: `network${index}`, link: `link${index}`, type: 'ipv4_dhcp' };
    return hasDhcp6 ? [network, { ...network, id: `network${index}-ipv6`, type: 'ipv6_dhcp' }] : [network];
  }),
  services: [],
});

export const renderEc2MetaData = ({ nics: [first], ...guest }: GuestConfig): Readonly<Record<string, unknown>> => ({
  'instance-id': guest.instance,
  'instance-type': guest.instanceType,
  hostname: guest.hostname,
  'local-hostname': guest.hostname,
  ...(first?.address !== undefined && { 'local-ipv4': first.address }),
  ...(first && { mac: first.mac }),
  'ami-launch-index': 0,
  ...(guest.sshKeys.length > 0 && {
    'public-keys': Object.fromEntries(guest.sshKeys.map((key, index) => [String(index), { 'openssh-key': key }])),
  }),
});

export const openstackFiles = (guest: GuestConfig, options: FilesOptions = {}): IsoFile[] => {
  const userData = guest.userData === undefined ? [] : [guest.userData];
  return [
    { path: 'openstack/latest/meta_data.json', content: json(renderMetaData(guest, options)) },
    { path: 'openstack/latest/network_data.json', content: json(renderNetworkData(guest)) },
    ...userData.map((content) => ({ path: 'openstack/latest/user_data', content })),
    { path: 'ec2/latest/meta-data.json', content: json(renderEc2MetaData(guest)) },
    ...userData.map((content) => ({ path: 'ec2/latest/user-data', content })),
  ];
};
