import { z } from 'zod';
import { libvirtName } from './libvirt-name.js';
import { normalizeNetwork, parseNetwork } from './cidr.js';

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

export const networkSection = z
  .strictObject({
    name: libvirtName.default('ecompute').describe('the libvirt network of every guest’s first interface'),
    manage: z
      .boolean()
      .default(true)
      .describe('true: the agent makes this network and chooses addresses; false: it is there and has its own DHCP'),
    cidr: z
      .cidrv4()
      .refine(
        (cidr) => Number(cidr.split('/')[1]) >= 18 && Number(cidr.split('/')[1]) <= 29,
        'expected a prefix from /18 to /29',
      )
      .default('10.45.0.0/20')
      .describe('addresses of the managed network; the first one is the host’s'),
    cidr6: z
      .cidrv6()
      .refine(
        (cidr) => cidr.endsWith('/64') && !/^(fe[89ab]|ff)/i.test(cidr),
        'expected a /64 that is neither link-local nor multicast, such as fd00:45::/64',
      )
      .optional()
      .describe('IPv6 addresses of the managed network, a /64, given out by DHCPv6; when left out, it has none'),
    filter: z
      .enum(['full', 'reach', 'none'])
      .default('full')
      .describe(
        'full: guests send from their own addresses only, and reach only what they may; reach: the latter only, for guests that are routers; none: nothing is enforced, and nftables is not needed',
      ),
    deny: networkList(
      'what guests must not reach, besides this host, the networks it is attached to, etcd and Placement',
    ),
    allow: networkList('what guests may reach anyway, on this host too'),
    lease_seconds: z
      .int()
      .min(120)
      .max(86_400)
      .default(3600)
      .describe('how long a guest may keep an address without asking again'),
  })
  .prefault({});
export type NetworkSection = z.output<typeof networkSection>;
