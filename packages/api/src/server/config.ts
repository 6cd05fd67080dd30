import { etcdSection, logSection, placementSection, secondsKey } from '@etcd-compute/common/config/sections';
import { corsSection, limitsSection, tlsSection } from '@etcd-compute/common/serving/sections';
import { isIP } from 'node:net';
import { z } from 'zod';
import { imagesSection } from './images-config.js';

/** `eapi.yaml`. */

const httpUrl = z
  .url({ protocol: /^https?$/, error: 'expected an http(s) URL such as https://cloud.example' })
  .regex(/[^/]$/, 'expected no slash at its end');

const listenSection = z
  .strictObject({
    host: z.string().min(1).default('127.0.0.1').describe('the address to listen at; 0.0.0.0 or :: for all'),
    port: z.int().min(1).max(65_535).default(5000).describe('the port to listen at'),
    trusted_proxies: z
      .array(z.union([z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()]))
      .default([])
      .describe('addresses of proxies that are believed when they tell by x-forwarded-for whom they ask for'),
  })
  .prefault({});

const tokensSection = z
  .strictObject({
    lifetime: secondsKey(3600, 'how long a token is good'),
    failures: z
      .int()
      .min(1)
      .default(10)
      .describe('failed logins of one user from one address that are free; after them, as many in a minute'),
    failures_per_address: z.int().min(1).default(100).describe('the same for all users from one address'),
  })
  .prefault({});

const consolesSection = z
  .strictObject({
    lifetime: secondsKey(600, 'how long the URL of a serial console lets connect'),
    connections: z
      .int()
      .min(1)
      .max(10_000)
      .default(100)
      .describe('how many serial consoles may be open at this server'),
  })
  .prefault({});

const serviceSection = z.strictObject({
  type: z
    .string()
    .regex(/^[a-z][a-z0-9-]{0,63}$/, 'expected a type such as object-store')
    .describe('as in https://service-types.openstack.org'),
  name: z.string().min(1).max(255).describe('any name'),
  url: httpUrl.describe('where it is'),
});

const sections = z.strictObject({
  etcd: etcdSection,
  placement: placementSection,
  listen: listenSection,
  public_url: httpUrl
    .optional()
    .describe('what clients call this server, or the balancer in front of several; by default where it listens'),
  region: z
    .string()
    .regex(/^[\w.-]{1,255}$/, 'expected letters, digits, dots, underscores and hyphens')
    .default('RegionOne')
    .describe('the name of the region in the catalogue'),
  services: z.array(serviceSection).default([]).describe('services beside its own that the catalogue tells of'),
  tls: tlsSection,
  tokens: tokensSection,
  cors: corsSection,
  images: imagesSection,
  consoles: consolesSection,
  limits: limitsSection({ most: 2 ** 26, usual: 1024 * 1024 }),
  log: logSection,
});

export const apiConfigSchema = sections.refine(
  ({ listen: { host }, public_url }) => public_url !== undefined || !isEverywhere(host),
  {
    message: 'is needed when listen.host stands for all addresses: clients are told it',
    path: ['public_url'],
  },
);
export type ApiConfig = z.output<typeof apiConfigSchema>;

const isEverywhere = (host: string): boolean => host === '0.0.0.0' || host === '::';

/** What links begin with. */
export const publicUrlOf = ({ public_url, listen: { host, port }, tls }: ApiConfig): string =>
  public_url ?? `${tls ? 'https' : 'http'}://${isIP(host) === 6 ? `[${host}]` : host}:${port}`;
