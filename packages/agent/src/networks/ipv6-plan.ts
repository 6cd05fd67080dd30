import ipaddr from 'ipaddr.js';
import { indexOfAddress, type NetworkPlan } from './address-plan.js';

/**
 * The IPv6 addresses of the agent's own network. Pure.
 *
 * Each guest has a block of 16 addresses, tied to its MAC like its IPv4 address. The DHCPv6 server assigns one of them. A client with a new
 * identifier, such as a new guest with the MAC of an earlier one, gets the next address while the server remembers the old lease.
 */
const BLOCK_BITS = 4;
export const BLOCK_PREFIX = 128 - BLOCK_BITS;
/** Selects the block of an address. */
export const BLOCK_MASK = 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:fff0';

/** The first block is ::10:0; the addresses below belong to the host. */
const FIRST_BLOCK = 0x10_00_00 >> BLOCK_BITS;

/** A /64 has a block for every address of a /18, the largest network. */
export interface Ipv6Plan {
  /** The host's address, the network's first. */
  readonly gateway: string;
  readonly prefix: 64;
  /** Never used: libvirt requires a DHCPv6 range, but guests get addresses from their blocks. */
  readonly spare: string;
}

/** Addresses of a /64, by their last 32 bits. */
const addressesOf = (cidr6: string): ((low: number) => string) => {
  const { parts } = ipaddr.IPv6.networkAddressFromCIDR(cidr6);
  return (low) => new ipaddr.IPv6([...parts.slice(0, 6), low >>> 16, low & 0xff_ff]).toRFC5952String();
};

export const planIpv6 = (cidr6: string): Ipv6Plan => {
  const addressAt = addressesOf(cidr6);
  return { gateway: addressAt(1), prefix: 64, spare: addressAt(2) };
};

/** The first address of the block that belongs to each IPv4 address of the network. */
export const blocksOf = (cidr6: string, plan: NetworkPlan): ((address: string) => string) => {
  const addressAt = addressesOf(cidr6);
  return (address) => addressAt((FIRST_BLOCK + indexOfAddress(address, plan)) << BLOCK_BITS);
};

/** The first and the last address of the blocks. */
export const guestRangeOf = (
  cidr6: string,
  { size }: NetworkPlan,
): { readonly first: string; readonly last: string } => {
  const addressAt = addressesOf(cidr6);
  return { first: addressAt(FIRST_BLOCK << BLOCK_BITS), last: addressAt(((FIRST_BLOCK + size) << BLOCK_BITS) - 1) };
};

/** The address that an interface derives from its MAC: RFC 4291, appendix A. */
export const linkLocalOf = (mac: string): string => {
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = mac.split(':').map((digits) => Number.parseInt(digits, 16));
  const low = [(a ^ 2) * 256 + b, c * 256 + 0xff, 0xfe_00 + d, e * 256 + f];
  return new ipaddr.IPv6([0xfe_80, 0, 0, 0, ...low]).toRFC5952String();
};

/** Unique local addresses (fc00::/7) are not routed, so they need NAT like IPv4. */
export const isUniqueLocal = (address: string): boolean => ipaddr.IPv6.parse(address).range() === 'uniqueLocal';

/** Whether two texts are the same address. */
export const isSameIpv6 = (one: string, other: string): boolean =>
  ipaddr.IPv6.isValid(other) && ipaddr.IPv6.parse(one).toString() === ipaddr.IPv6.parse(other).toString();
