import type { AgentConfig } from '../config/config.js';
import { planNetwork, type NetworkPlan } from './address-plan.js';

/** A network of this host that guests can be on. */
export interface HostNetwork {
  /** `ecompute` is a libvirt network, `bridge:br0` a bridge of the host. */
  readonly name: string;
  /** Missing: somebody else manages it, and gives out its addresses. */
  readonly plan?: NetworkPlan;
  /** Missing: the agent gives out no IPv6 addresses there. */
  readonly cidr6?: string;
}

/** What is needed of the config to know the networks. */
export type NetworksConfig = Pick<AgentConfig, 'network' | 'bridge'>;

const BRIDGE = 'bridge:';

export type NicSource =
  | { readonly network: string; readonly bridge?: never }
  | { readonly bridge: string; readonly network?: never };

/** What a domain's interface is plugged into. */
export const sourceOf = (name: string): NicSource =>
  name.startsWith(BRIDGE) ? { bridge: name.slice(BRIDGE.length) } : { network: name };

export const nameOfSource = ({ network, bridge }: NicSource): string => network ?? `${BRIDGE}${bridge}`;

/** In the order of the interfaces of a guest that asks for none in particular. */
export const hostNetworksOf = ({ network, bridge }: NetworksConfig): readonly HostNetwork[] => [
  {
    name: network.name,
    ...(network.manage && { plan: planNetwork(network.cidr) }),
    ...(network.manage && network.cidr6 !== undefined && { cidr6: network.cidr6 }),
  },
  ...(bridge === undefined ? [] : [{ name: nameOfSource({ bridge }) }]),
];
