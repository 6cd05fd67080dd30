import { z } from 'zod';
import type { Kinds, RecordsOf } from '../../state/kinds.js';

/** What compute keeps in etcd of things that are no servers: one JSON value for each. */

const VERSION = z.literal(1);

/** What servers are made of. */
const flavor = z.looseObject({
  version: VERSION,
  id: z.string(),
  name: z.string(),
  description: z.string().optional(),
  ram_mib: z.int(),
  vcpus: z.int(),
  disk_gib: z.int(),
  ephemeral_gib: z.int(),
  /** Kept for clients: nothing comes of it. */
  rxtx_factor: z.number(),
  is_public: z.boolean(),
  /** Who may use it when it is not public. */
  projects: z.array(z.string()),
  extra_specs: z.record(z.string(), z.string()),
});

/** Of one user, whatever project a server of his is in. */
const keypair = z.looseObject({
  version: VERSION,
  user: z.string(),
  name: z.string(),
  type: z.enum(['ssh', 'x509']),
  /** A line as in an authorized_keys file, or a certificate as PEM. */
  public_key: z.string(),
  fingerprint: z.string(),
  /** Milliseconds since 1970, as all times here. */
  created_at: z.number(),
});

/** How much somebody may have, where it is not what all may. */
const quota = z.looseObject({
  version: VERSION,
  /** `project/ID`, or `class/default` for all projects that have none of their own. */
  id: z.string(),
  /** By the names of `DEFAULT_LIMITS`; what is not here is as there. */
  limits: z.record(z.string(), z.int()),
});

/** Servers that shall be on the same host, or on others. */
const serverGroup = z.looseObject({
  version: VERSION,
  id: z.string(),
  project: z.string(),
  user: z.string(),
  name: z.string(),
  policy: z.enum(['affinity', 'anti-affinity', 'soft-affinity', 'soft-anti-affinity']),
  /** Of anti-affinity: so many of them may be on one host; one when it is not here. */
  max_per_host: z.int().optional(),
  created_at: z.number(),
});

/** Hosts that have something in common. */
const aggregate = z.looseObject({
  version: VERSION,
  id: z.int(),
  uuid: z.string(),
  name: z.string(),
  /** Names. */
  hosts: z.array(z.string()),
  /** `availability_zone` is the zone that its hosts are in. */
  metadata: z.record(z.string(), z.string()),
  created_at: z.number(),
  updated_at: z.number().optional(),
});

/** The last number that was given to something of a kind. */
const counter = z.looseObject({ version: VERSION, id: z.string(), last: z.int() });

const SCHEMAS = { flavor, keypair, quota, server_group: serverGroup, aggregate, counter };

export type Records = RecordsOf<typeof SCHEMAS>;
export type Flavor = Records['flavor'];
export type Keypair = Records['keypair'];
export type ServerGroup = Records['server_group'];
export type Aggregate = Records['aggregate'];

export const nameRelation = (name: string): string => `names/${name}`;

/** What an aggregate is found by. */
export const hostRelation = (host: string): string => `hosts/${host}`;

export const keypairId = ({ user, name }: Pick<Keypair, 'user' | 'name'>): string => `${user}/${name}`;

export const COMPUTE_KINDS: Kinds<Records> = {
  flavor: { schema: flavor, idOf: ({ id }) => id, relationsOf: ({ name }) => [nameRelation(name)] },
  keypair: { schema: keypair, idOf: keypairId, relationsOf: ({ user }) => [user] },
  quota: { schema: quota, idOf: ({ id }) => id },
  server_group: { schema: serverGroup, idOf: ({ id }) => id, relationsOf: ({ project }) => [project] },
  aggregate: {
    schema: aggregate,
    idOf: ({ id }) => String(id),
    relationsOf: ({ hosts }) => hosts.map((host) => hostRelation(host)),
  },
  counter: { schema: counter, idOf: ({ id }) => id },
};
