import type { AgentConfig } from '../config/config.js';
import type { NetworkSection } from '../config/network.js';
import { planNetwork, type NetworkPlan } from './address-plan.js';

/** A network of this host that guests can be on. */
export interface HostNetwork {
  /** `ecompute` is a libvirt network, `bridge:br0` a bridge of the host. */
  readonly name: string;
  /** Missing: somebody else manages it, and gives out its addresses. */
  readonly plan?: NetworkPlan;
  /** Missing: the agent gives out no IPv6 addresses there. */
  readonly cidr6?: string;
  /** A guest that asks for no networks gets an interface there. */
  readonly isDefault: boolean;
}

/** What is needed of the config to know the networks. */
export type NetworksConfig = Pick<AgentConfig, 'network' | 'networks' | 'bridge' | 'bridges'>;

const BRIDGE = 'bridge:';

export type NicSource =
  | { readonly network: string; readonly bridge?: never }
  | { readonly bridge: string; readonly network?: never };

/** What a domain's interface is plugged into. */
export const sourceOf = (name: string): NicSource =>
  name.startsWith(BRIDGE) ? { bridge: name.slice(BRIDGE.length) } : { network: name };

export const nameOfSource = ({ network, bridge }: NicSource): string => network ?? `${BRIDGE}${bridge}`;

/** The default ones come first, in the order of the interfaces of a guest that asks for none. */
export const hostNetworksOf = ({ network, networks, bridge, bridges }: NetworksConfig): readonly HostNetwork[] => [
  { ...networkOf(network), isDefault: true },
  ...(bridge === undefined ? [] : [{ name: nameOfSource({ bridge }), isDefault: true }]),
  ...networks.map((further) => ({ ...networkOf(further), isDefault: false })),
  ...bridges
    .filter((further) => further !== bridge)
    .map((further) => ({ name: nameOfSource({ bridge: further }), isDefault: false })),
];

const networkOf = ({ name, manage, cidr, cidr6 }: NetworkSection): Omit<HostNetwork, 'isDefault'> => ({
  name,
  ...(manage && { plan: planNetwork(cidr) }),
  ...(manage && cidr6 !== undefined && { cidr6 }),
});

/** Nothing but one network of a host. */
export const onlyNetwork = (network: NetworkSection): NetworksConfig => ({
  network,
  networks: [],
  bridge: undefined,
  bridges: [],
});
