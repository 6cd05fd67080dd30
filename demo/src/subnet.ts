import ipaddr from 'ipaddr.js';

/** An IPv4 network, as its first address and its prefix. */
export interface Subnet {
  readonly address: string;
  readonly prefix: number;
}

/** Private /24s that hardly anyone uses, then those of a range that many do. */
const CANDIDATES: readonly string[] = [
  ...Array.from({ length: 256 }, (_, index) => `10.46.${index}.0`),
  ...Array.from({ length: 256 }, (_, index) => `172.30.${index}.0`),
  ...Array.from({ length: 256 }, (_, index) => `192.168.${index}.0`),
];
const PREFIX = 24;

/** The first /24 that overlaps none of `taken`, as CIDR; undefined when there is none. Pure. */
export const chooseSubnet = (taken: readonly Subnet[]): string | undefined => {
  const free = CANDIDATES.find((address) =>
    taken.every((subnet) => !areOverlapping({ address, prefix: PREFIX }, subnet)),
  );
  return free === undefined ? undefined : `${free}/${PREFIX}`;
};

const areOverlapping = (a: Subnet, b: Subnet): boolean => {
  const first = ipaddr.IPv4.parse(a.address);
  return first.match(ipaddr.IPv4.parse(b.address), Math.min(a.prefix, b.prefix));
};

/**
 * The networks that the text of /proc/net/route has routes to, other than the default route (which would overlap everything).
 * Fields: interface, destination, gateway, flags, three counters, mask. Addresses are hexadecimal in the machine's byte order, which
 * is little-endian wherever the guest image runs.
 */
export const parseRoutes = (text: string): Subnet[] =>
  text
    .split('\n')
    .slice(1)
    .map((line) => line.split('\t'))
    .flatMap(([, destination = '', , , , , , mask = '']) => {
      const prefix = ipaddr.IPv4.parse(readAddress(mask)).prefixLengthFromSubnetMask();
      return prefix === null || prefix === 0 ? [] : [{ address: readAddress(destination), prefix }];
    });

const readAddress = (hexadecimal: string): string =>
  Array.from(
    { length: 4 },
    (_, index) => Number.parseInt(hexadecimal.slice(6 - 2 * index, 8 - 2 * index), 16) || 0,
  ).join('.');
