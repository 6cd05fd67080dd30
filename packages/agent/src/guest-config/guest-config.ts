import type { InstanceUuid } from '@etcd-compute/common/ids';

/** What a guest is told about itself. Holds secrets: never logged. */
export interface GuestConfig {
  readonly instance: InstanceUuid;
  readonly hostname: string;
  /** Lines as in an authorized_keys file. */
  readonly sshKeys: readonly string[];
  readonly userData: string | undefined;
  readonly meta: Readonly<Record<string, string>>;
  /** In the order of the machine; each asks a DHCP server for its address, and for an IPv6 one where there is such a server. */
  readonly interfaces: readonly { readonly mac: string; readonly hasDhcp6?: boolean }[];
}

/** A guest without a name still needs one that is its own. */
export const hostnameOf = (instance: InstanceUuid, name: string | undefined): string =>
  name ?? `instance-${instance.slice(0, 8)}`;
