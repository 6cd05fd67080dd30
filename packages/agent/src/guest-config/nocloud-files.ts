/** The NoCloud layout: https://docs.cloud-init.io/en/latest/reference/datasources/nocloud.html. Its YAML is JSON, which is YAML. */
import type { GuestConfig } from './guest-config.js';
import type { IsoFile } from './iso9660.js';

export const NOCLOUD_LABEL = 'cidata';

const json = (value: unknown): Buffer => Buffer.from(`${JSON.stringify(value, undefined, 2)}\n`);

const renderMetaData = ({ instance, hostname, sshKeys, meta }: GuestConfig): unknown => ({
  ...meta,
  'instance-id': instance,
  'local-hostname': hostname,
  ...(sshKeys.length > 0 && { 'public-keys': sshKeys }),
});

const renderNetworkConfig = ({ nics }: GuestConfig): unknown => ({
  version: 2,
  ethernets: Object.fromEntries(
    nics.map(({ mac, hasDhcp6 = false }, index) => [
      `link${index}`,
      { match: { macaddress: mac }, dhcp4: true, ...(hasDhcp6 && { dhcp6: true }) },
    ]),
  ),
});

/** The user data is there even when it is empty: without the file it is not a NoCloud drive. */
export const nocloudFiles = (guest: GuestConfig): IsoFile[] => [
  { path: 'meta-data', content: json(renderMetaData(guest)) },
  { path: 'network-config', content: json(renderNetworkConfig(guest)) },
  { path: 'user-data', content: guest.userData ?? Buffer.alloc(0) },
];
