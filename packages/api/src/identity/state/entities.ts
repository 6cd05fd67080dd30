import { z } from 'zod';

/** What identity keeps in etcd: one JSON value for each. Ids are 32 hexadecimal digits, but for the first domain's, which is `default`. */

const VERSION = z.literal(1);

/** What a client adds of its own, such as a user's e-mail address. It is given back as it was. */
const extra = z.record(z.string(), z.unknown());

const domain = z.looseObject({
  version: VERSION,
  id: z.string(),
  name: z.string(),
  description: z.string(),
  enabled: z.boolean(),
  /** Raised when it is disabled: tokens of before are not taken any more. */
  epoch: z.int(),
  tags: z.array(z.string()),
  extra,
});

const project = z.looseObject({
  version: VERSION,
  id: z.string(),
  domain: z.string(),
  name: z.string(),
  description: z.string(),
  enabled: z.boolean(),
  /** As a domain's. */
  epoch: z.int(),
  tags: z.array(z.string()),
  extra,
});

const user = z.looseObject({
  version: VERSION,
  id: z.string(),
  domain: z.string(),
  name: z.string(),
  description: z.string().optional(),
  enabled: z.boolean(),
  /** Raised when the user is disabled or gets another password: tokens of before are not taken any more. */
  epoch: z.int(),
  default_project: z.string().optional(),
  extra,
});

/** A key of its own, so that who lists users need not read it. A user without one cannot log in by password. */
const password = z.looseObject({
  version: VERSION,
  user: z.string(),
  /** See `passwords/hash.ts`. */
  hash: z.string(),
});

const group = z.looseObject({
  version: VERSION,
  id: z.string(),
  domain: z.string(),
  name: z.string(),
  description: z.string(),
  extra,
});

const membership = z.looseObject({ version: VERSION, group: z.string(), user: z.string() });

const role = z.looseObject({
  version: VERSION,
  id: z.string(),
  name: z.string(),
  description: z.string().optional(),
  /** Ids of roles that who has it has too. */
  implies: z.array(z.string()),
  extra,
});

/** A role that somebody has somewhere. */
const assignment = z.looseObject({
  version: VERSION,
  actor: z.enum(['user', 'group']),
  actor_id: z.string(),
  target: z.enum(['project', 'domain', 'system']),
  /** `all` of the system. */
  target_id: z.string(),
  role: z.string(),
});

/** A secret that stands for a user in one project, with some of the roles there. */
const credential = z.looseObject({
  version: VERSION,
  id: z.string(),
  user: z.string(),
  project: z.string(),
  name: z.string(),
  description: z.string(),
  /** Ids. */
  roles: z.array(z.string()),
  /** See `passwords/hash.ts`. */
  hash: z.string(),
  /** Milliseconds since 1970. */
  expires_at: z.number().optional(),
  /** It may make others of its kind. */
  unrestricted: z.boolean(),
});

export const SCHEMAS = { domain, project, user, password, group, membership, role, assignment, credential };

export type Kind = keyof typeof SCHEMAS;
export type Records = { readonly [K in Kind]: Readonly<z.output<(typeof SCHEMAS)[K]>> };

export type Domain = Records['domain'];
export type Project = Records['project'];
export type User = Records['user'];
export type Group = Records['group'];
export type Role = Records['role'];
export type Assignment = Records['assignment'];
export type Credential = Records['credential'];

const ids: { readonly [K in Kind]: (record: Records[K]) => string } = {
  domain: ({ id }) => id,
  project: ({ id }) => id,
  user: ({ id }) => id,
  password: ({ user }) => user,
  group: ({ id }) => id,
  membership: ({ group, user }) => `${group}/${user}`,
  role: ({ id }) => id,
  assignment: ({ actor, actor_id, target, target_id, role }) => `${actor}/${actor_id}/${target}/${target_id}/${role}`,
  credential: ({ id }) => id,
};

/** What a record is found by, and what its key ends in. */
export const idOf = <K extends Kind>(kind: K, record: Records[K]): string => ids[kind](record);

export const KINDS: readonly Kind[] = [
  'domain',
  'project',
  'user',
  'password',
  'group',
  'membership',
  'role',
  'assignment',
  'credential',
];
