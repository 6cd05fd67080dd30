import { z } from 'zod';
import { libvirtName } from './libvirt-name.js';
import { isInNetwork, normalizeNetwork, parseNetwork } from '@etcd-compute/common/cidr';

/** The `network` section of `compute.yaml`. */

const networkText = z
  .union(
    [z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()],
    'expected an address or a network, such as 10.20.0.5, 10.20.0.0/16 or fd20::/48',
  )
  .superRefine((text, context) => {
    const network = normalizeNetwork(text);
    const [[given], [base]] = [parseNetwork(text), parseNetwork(network)];
    if (given.toString() !== base.toString())
      context.addIssue({ code: 'custom', message: `expected a network’s first address: did you mean ${network}?` });
  });

const networkList = (description: string) => z.array(networkText).default([]).describe(description);

const sectionObject = z.strictObject({
  name: libvirtName.default('ecompute').describe('the libvirt network of every guest’s first interface'),
  manage: z
    .boolean()
    .default(true)
    .describe(
      'true: the agent makes this network and assigns addresses; false: the network exists and has its own DHCP',
    ),
  cidr: z
    .cidrv4()
    .refine(
      (cidr) => Number(cidr.split('/')[1]) >= 18 && Number(cidr.split('/')[1]) <= 29,
      'expected a prefix from /18 to /29',
    )
    .default('10.45.0.0/20')
    .describe('the managed network; its first address is the host’s'),
  cidr6: z
    .cidrv6()
    .refine(
      (cidr) => cidr.endsWith('/64') && !/^(fe[89ab]|ff)/i.test(cidr),
      'expected a /64 that is neither link-local nor multicast, such as fd00:45::/64',
    )
    .optional()
    .describe('the managed network’s IPv6 addresses, a /64, assigned by DHCPv6; by default none'),
  filter: z
    .enum(['full', 'reach', 'none'])
    .default('full')
    .describe(
      'full: guests can send only from their own addresses and reach only what they may; reach: only the second, for guests that route; none: no filter, and no need for nftables',
    ),
  deny: networkList('what guests must not reach, in addition to this host, its attached networks, etcd and Placement'),
  allow: networkList('what guests may reach anyway, also on this host'),
  lease_seconds: z.int().min(120).max(86_400).default(3600).describe('how long a DHCP lease lasts, in seconds'),
});

export const networkSection = sectionObject.prefault({});
export type NetworkSection = z.output<typeof networkSection>;

/** An entry of `networks`. */
export const furtherNetworkSection = sectionObject.extend({ name: libvirtName });

export const bridgeName = z.string().regex(/^[A-Za-z0-9_.-]{1,15}$/, 'expected the name of a bridge, such as br0');

interface Networks {
  readonly network: NetworkSection;
  readonly networks: readonly NetworkSection[];
}

/** The network of the first interfaces comes first. */
export const allNetworks = ({ network, networks }: Networks): readonly NetworkSection[] => [network, ...networks];

const overlaps = (one: string, other: string): boolean => {
  const [first, second] = [parseNetwork(one), parseNetwork(other)];
  return isInNetwork(first[0], second) || isInNetwork(second[0], first);
};

/** Why a host cannot have both. */
const conflictOf = (one: NetworkSection, other: NetworkSection): string | undefined => {
  if (one.name === other.name) return `expected each network once: '${one.name}' is there twice`;
  if (!one.manage || !other.manage) return undefined;
  const pairs = [
    [one.cidr, other.cidr],
    [one.cidr6, other.cidr6],
  ] as const;
  const pair = pairs.find(([mine, theirs]) => mine !== undefined && theirs !== undefined && overlaps(mine, theirs));
  return pair && `expected addresses of its own: ${pair[0]} overlaps with ${pair[1]} of network '${other.name}'`;
};

/** What is wrong with `networks`, by index. */
export const findNetworkConflicts = (config: Networks): { readonly index: number; readonly message: string }[] =>
  config.networks.flatMap((network, index) => {
    const others = allNetworks(config).slice(0, index + 1);
    const message = others.map((other) => conflictOf(network, other)).find((found) => found !== undefined);
    return message === undefined ? [] : [{ index, message }];
  });
