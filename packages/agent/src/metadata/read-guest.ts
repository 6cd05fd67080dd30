import { bootRequestSchema, isDestroyWish } from '@etcd-compute/common/etcd/messages/boot-request';
import type { Keys } from '@etcd-compute/common/etcd/keys';
import { parseMessage } from '@etcd-compute/common/etcd/messages/parse-message';
import type { Store } from '@etcd-compute/common/etcd/store';
import type { InstanceUuid, ProviderUuid } from '@etcd-compute/common/ids';
import type { Connection } from '@etcd-compute/libvirt/connection';
import { parseDomain } from '@etcd-compute/libvirt/xml/domain';
import { guestConfigOf, type GuestConfig } from '../guest-config/guest-config.js';
import { specOf } from '../guest-config/guest-spec.js';
import { findDomain, readMark } from '../domains/domain.js';
import type { NetworksConfig } from '../networks/host-networks.js';
import { readNics } from '../networks/nics.js';

export interface ReadGuestDeps {
  readonly store: Store;
  readonly keys: Keys;
  readonly host: ProviderUuid;
  readonly getConnection: () => Connection;
  readonly config: NetworksConfig;
}

/** What a guest is to be told: from its boot request, and from its domain as it is. @returns undefined when it is none of ours. */
export const readGuest = async (
  { store, keys, host, getConnection, config }: ReadGuestDeps,
  instance: InstanceUuid,
): Promise<GuestConfig | undefined> => {
  const entry = await store.get(keys.request(host, instance));
  const request = entry && parseMessage(bootRequestSchema, entry.key, entry.value);
  if (!request || isDestroyWish(request)) return undefined;
  await using domain = await findDomain(getConnection(), instance);
  if (!domain || !(await readMark(domain))) return undefined;
  return guestConfigOf(specOf(request, host), readNics(parseDomain(await domain.getXMLDesc()), config));
};
