import { z } from 'zod';
import type { Kinds, RecordsOf } from '../../state/kinds.js';

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

const SCHEMAS = { domain, project, user, password, group, membership, role, assignment, credential };

export type Records = RecordsOf<typeof SCHEMAS>;
export type Kind = keyof Records;

export type Domain = Records['domain'];
export type Project = Records['project'];
export type User = Records['user'];
export type Group = Records['group'];
export type Role = Records['role'];
export type Assignment = Records['assignment'];
export type Credential = Records['credential'];

/** Of kinds that have names, unique in their domain; of domains and roles, unique in all. */
export const nameRelation = (name: string, domain = ''): string => `names/${domain}/${name}`;

const idOfItself = ({ id }: { readonly id: string }): string => id;
const byName = ({ name, domain }: { readonly name: string; readonly domain?: string }): readonly string[] => [
  nameRelation(name, domain),
];

export const IDENTITY_KINDS: Kinds<Records> = {
  domain: { schema: domain, idOf: idOfItself, relationsOf: ({ name }) => [nameRelation(name)] },
  project: { schema: project, idOf: idOfItself, relationsOf: byName },
  user: { schema: user, idOf: idOfItself, relationsOf: byName },
  password: { schema: password, idOf: ({ user }) => user },
  group: { schema: group, idOf: idOfItself, relationsOf: byName },
  membership: {
    schema: membership,
    idOf: ({ group, user }) => `${group}/${user}`,
    relationsOf: ({ user }) => [user],
  },
  role: { schema: role, idOf: idOfItself, relationsOf: ({ name }) => [nameRelation(name)] },
  assignment: {
    schema: assignment,
    idOf: ({ actor, actor_id, target, target_id, role }) => `${actor}/${actor_id}/${target}/${target_id}/${role}`,
    relationsOf: ({ actor, actor_id }) => [`${actor}/${actor_id}`],
  },
  credential: { schema: credential, idOf: idOfItself, relationsOf: ({ user }) => [user] },
};

/** A kind comes after those that it is about. */
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

/** What a record is found by, and what its key ends in. */
export const idOf = <K extends Kind>(kind: K, record: Records[K]): string => IDENTITY_KINDS[kind].idOf(record);
