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

const SCHEMAS = { flavor };

export type Records = RecordsOf<typeof SCHEMAS>;
export type Flavor = Records['flavor'];

export const nameRelation = (name: string): string => `names/${name}`;

export const COMPUTE_KINDS: Kinds<Records> = {
  flavor: { schema: flavor, idOf: ({ id }) => id, relationsOf: ({ name }) => [nameRelation(name)] },
};
