import type { InstanceUuid } from '@etcd-compute/common/ids';
import type { Nic } from '../networks/nics.js';
import type { GuestSpec } from './guest-spec.js';

/** What a guest is told about itself. Holds secrets: never logged. */
export interface GuestConfig {
  readonly instance: InstanceUuid;
  readonly hostname: string;
  /** Lines as in an authorized_keys file. */
  readonly sshKeys: readonly string[];
  readonly userData: Buffer | undefined;
  readonly meta: Readonly<Record<string, string>>;
  /** Not for the metadata server, which any process of the guest may ask. */
  readonly adminPass?: string | undefined;
  /** In the order of the machine; each asks a DHCP server for its address, and for an IPv6 one where there is such a server. */
  readonly nics: readonly Pick<Nic, 'mac' | 'address' | 'hasDhcp6'>[];
  /** What it was given, as EC2 has a name for: `custom-<vcpus>-<MiB>`. */
  readonly instanceType: string;
}

/** The one way from a wish to what the guest is told, whatever it is told by. */
export const guestConfigOf = (
  { instance, name, guest, vcpus, memoryMiB }: Pick<GuestSpec, 'instance' | 'name' | 'guest' | 'vcpus' | 'memoryMiB'>,
  nics: GuestConfig['nics'],
): GuestConfig => ({
  instance,
  hostname: guest.hostname ?? hostnameOf(instance, name),
  adminPass: guest.admin_pass,
  sshKeys: guest.ssh_keys ?? [],
  userData: userDataOf(guest),
  meta: guest.meta ?? {},
  nics,
  instanceType: `custom-${vcpus}-${memoryMiB}`,
});

const userDataOf = ({ user_data: text, user_data_base64: base64 }: GuestSpec['guest']): Buffer | undefined => {
  if (base64 !== undefined) return Buffer.from(base64, 'base64');
  return text === undefined ? undefined : Buffer.from(text);
};

/** A guest without a name still needs one that is its own. */
export const hostnameOf = (instance: InstanceUuid, name: string | undefined): string =>
  name ?? `instance-${instance.slice(0, 8)}`;
