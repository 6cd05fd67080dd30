import type { InstanceUuid } from '@etcd-compute/common/ids';

/**
 * The name of a guest's port. It is chosen here so that the elements can be set before the port exists. Linux allows 15 characters, and libvirt
 * ignores names that look like its own (`vnet0`).
 *
 * @param slot of the interface, from 0 to 35.
 */
export const portNameOf = (instance: InstanceUuid, slot: number): string =>
  `ec${instance.replaceAll('-', '').slice(0, 12)}${slot.toString(36)}`;

const OWN_NAME = /^ec[0-9a-f]{12}([0-9a-z])$/;

export const isOwnPortName = (name: string): boolean => OWN_NAME.test(name);

/** @returns undefined for a name that is not ours. */
export const slotOfPort = (name: string): number | undefined => {
  const [, digit] = OWN_NAME.exec(name) ?? [];
  return digit === undefined ? undefined : Number.parseInt(digit, 36);
};
