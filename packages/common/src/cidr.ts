import ipaddr from 'ipaddr.js';

type Network = [address: ipaddr.IPv4 | ipaddr.IPv6, prefix: number];

const widthOf = (address: ipaddr.IPv4 | ipaddr.IPv6): number => (address.kind() === 'ipv4' ? 32 : 128);

/** @param text an address, or a network as CIDR. */
export const parseNetwork = (text: string): Network => {
  if (ipaddr.isValidCIDR(text)) return ipaddr.parseCIDR(text);
  const address = ipaddr.process(text);
  return [address, widthOf(address)];
};

export const isInNetwork = (address: ipaddr.IPv4 | ipaddr.IPv6, [base, prefix]: Network): boolean =>
  address.kind() === base.kind() && address.match([base, prefix]);

/** The canonical form: `10.1.2.3/16` becomes `10.1.0.0/16`, and a single address has no prefix. */
export const normalizeNetwork = (text: string): string => {
  const [address, prefix] = parseNetwork(text);
  const cidr = `${address.toString()}/${prefix}`;
  const base =
    address.kind() === 'ipv4'
      ? ipaddr.IPv4.networkAddressFromCIDR(cidr).toString()
      : ipaddr.IPv6.networkAddressFromCIDR(cidr).toRFC5952String();
  return prefix === widthOf(address) ? base : `${base}/${prefix}`;
};

/** The same addresses without networks that lie inside others. */
export const withoutContained = (networks: readonly string[]): string[] => {
  const all = [...new Set(networks.map(normalizeNetwork))].toSorted();
  const isIn = (inner: string, outer: string): boolean => {
    const [[address, innerPrefix], network] = [parseNetwork(inner), parseNetwork(outer)];
    return network[1] <= innerPrefix && isInNetwork(address, network);
  };
  return all.filter((network) => !all.some((other) => other !== network && isIn(network, other)));
};
