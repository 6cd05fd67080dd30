import ipaddr from 'ipaddr.js';

/*
 * The addresses and MACs of guests on the agent's own network. Pure.
 *
 * An address always has the same MAC, made from its last three bytes. So when another guest gets an address whose old lease dnsmasq still
 * remembers, the lease's MAC matches and dnsmasq assigns the address; it would refuse any other MAC ("not using configured address … because it is leased to …").
 */

export interface NetworkPlan {
  /** The host's address, the network's first. */
  readonly gateway: string;
  readonly prefix: number;
  /** The first and the last address for guests. */
  readonly first: string;
  readonly last: string;
  readonly size: number;
}

export interface Reservation {
  readonly address: string;
  readonly mac: string;
}

const toNumber = (address: string): number =>
  ipaddr.IPv4.parse(address).octets.reduce((sum, octet) => sum * 256 + octet, 0);

const toAddress = (value: number): string => [24, 16, 8, 0].map((shift) => (value >>> shift) & 0xff).join('.');

/** @param cidr such as `10.45.0.0/20`; at least a /29. */
export const planNetwork = (cidr: string): NetworkPlan => {
  const [, prefix] = ipaddr.IPv4.parseCIDR(cidr);
  const base = toNumber(ipaddr.IPv4.networkAddressFromCIDR(cidr).toString());
  const size = 2 ** (32 - prefix) - 3; // less network, gateway and broadcast
  return { gateway: toAddress(base + 1), prefix, first: toAddress(base + 2), last: toAddress(base + 1 + size), size };
};

/** The position of this address among the guests' addresses. */
export const indexOfAddress = (address: string, plan: NetworkPlan): number => toNumber(address) - toNumber(plan.first);

/** 52:54:00 is QEMU's range; the rest is the address's last three bytes. */
export const macOfAddress = (address: string): string =>
  [
    '52',
    '54',
    '00',
    ...ipaddr.IPv4.parse(address)
      .octets.slice(1)
      .map((octet) => octet.toString(16).padStart(2, '0')),
  ].join(':');

/** The address that a MAC of `macOfAddress` belongs to, given the network's first byte; undefined for other MACs. */
export const addressOfMac = (mac: string, plan: NetworkPlan): string | undefined => {
  const bytes = mac.split(':').map((digits) => Number.parseInt(digits, 16));
  if (bytes.length !== 6 || !mac.toLowerCase().startsWith('52:54:00:')) return undefined;
  const address = [ipaddr.IPv4.parse(plan.gateway).octets[0], ...bytes.slice(3)].join('.');
  const index = indexOfAddress(address, plan);
  return index >= 0 && index < plan.size ? address : undefined;
};

/** Every address for guests, with its MAC. */
export const listReservations = (plan: NetworkPlan): Reservation[] =>
  Array.from({ length: plan.size }, (_, index) => toAddress(toNumber(plan.first) + index)).map((address) => ({
    address,
    mac: macOfAddress(address),
  }));

/**
 * The next free address after `after`, wrapping around: a freed address is the last to be reused.
 *
 * @returns undefined when the network is full.
 */
export const chooseAddress = (
  plan: NetworkPlan,
  taken: ReadonlySet<string>,
  after: string | undefined,
): Reservation | undefined => {
  const first = toNumber(plan.first);
  const start = after === undefined ? 0 : toNumber(after) - first + 1;
  for (let step = 0; step < plan.size; step += 1) {
    const address = toAddress(first + ((start + step) % plan.size));
    if (!taken.has(address)) return { address, mac: macOfAddress(address) };
  }
  return undefined;
};

/**
 * A MAC for an interface on a network that is not ours, which guests of other hosts may share: locally administered, with 40 bits of the
 * instance's uuid.
 *
 * @param interfaceIndex counts the interfaces of one guest from 0.
 */
export const macOfInstance = (instance: string, interfaceIndex: number): string => {
  const digits = BigInt(`0x${instance.replaceAll('-', '').slice(-10)}`) + BigInt(interfaceIndex);
  const hex = (digits & 0xff_ff_ff_ff_ffn).toString(16).padStart(10, '0');
  return ['52', ...(hex.match(/../g) ?? [])].join(':');
};
