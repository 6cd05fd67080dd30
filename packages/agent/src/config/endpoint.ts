import { z } from 'zod';

const address = z.union([z.ipv4(), z.ipv6()], 'expected an address such as 10.20.0.5 or fd00::5');

/** `endpoint` of `compute.yaml`. */
export const endpointSection = z
  .strictObject({
    enabled: z
      .boolean()
      .default(true)
      .describe('true: serve `eschedule logs` and `eschedule ssh` to everyone who may read this host’s key in etcd'),
    listen: address.optional().describe('the address to listen at; by default all addresses'),
    port: z.int().min(0).max(65_535).default(0).describe('the port to listen at; 0: any free port'),
    advertise: z
      .array(z.union([address, z.string().regex(/^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$/)]))
      .min(1)
      .max(8)
      .optional()
      .describe('addresses or host names at which others reach it; by default the host’s own'),
    tunnel_ports: z
      .array(z.int().min(1).max(65_535))
      .default([22])
      .describe('the guests’ ports that tunnels may lead to; an empty list allows no tunnels'),
    connections: z.int().min(1).max(10_000).default(100).describe('the maximum number of connections'),
    idle: z.int().min(10).max(86_400).default(3600).describe('how long a connection may be silent, in seconds'),
  })
  .prefault({});
export type EndpointSection = z.output<typeof endpointSection>;
