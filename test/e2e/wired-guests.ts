/** Two guests without a machine behind them: one lies, and the other hears what comes of it. */
import { macOfAddress } from '@etcd-compute/agent/networks/address-plan';
import { linkLocalOf } from '@etcd-compute/agent/networks/ipv6-plan';
import { portNameOf } from '@etcd-compute/agent/networks/port-names';
import type { GuestPort } from '@etcd-compute/agent/networks/ports';
import { newInstanceUuid } from '@etcd-compute/common/ids';
import type { Wire } from './guest-wires.js';

export const CIDR = '10.45.0.0/24';
export const CIDR6 = 'fd00:45::/64';

const HOST_MAC = '52:54:00:99:99:99';
export const HOST = {
  mac: HOST_MAC,
  address: '10.45.0.1',
  address6: 'fd00:45::1',
  linkLocal: linkLocalOf(HOST_MAC),
};

const guestAt = (netns: string, address: string) => {
  const instance = newInstanceUuid();
  const mac = macOfAddress(address);
  return {
    instance,
    address,
    mac,
    linkLocal: linkLocalOf(mac),
    wire: { netns, port: portNameOf(instance, 0), mac },
    /** On a bridge of the operator's. */
    second: { netns: `${netns}-lan`, port: portNameOf(instance, 1), mac: mac.replace('52:54', '52:99') },
  };
};
/** Its block of IPv6 addresses is fd00:45::10:0/124. */
export const liar = guestAt('liar', '10.45.0.2');
/** Its block of IPv6 addresses is fd00:45::10:10/124. */
export const other = guestAt('other', '10.45.0.3');
/** Plugged in by somebody, and no guest. */
export const stranger: Wire & { address: string } = {
  netns: 'stranger',
  port: 'plug',
  mac: macOfAddress('10.45.0.77'),
  address: '10.45.0.77',
};

export const PORTS: readonly GuestPort[] = [liar, other].flatMap(({ instance, address, wire, second }) => [
  { name: wire.port, instance, mac: wire.mac, address },
  { name: second.port, instance, mac: second.mac },
]);
