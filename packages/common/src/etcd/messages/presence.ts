import { z } from 'zod';
import type { BootRequest } from './boot-request.js';
import { providerUuidSchema, sessionUuidSchema } from '../../ids.js';
import { drainNoticeSchema } from './drain.js';

/** Which process of which boot of which machine. */
export const processIdentitySchema = z.looseObject({
  machine: z.string(),
  boot_id: z.string(),
  pid: z.int(),
  start_ticks: z.string(),
});

/** Addresses that an agent gives out on a network of its host, where no other host does. */
const givenSubnetSchema = z.looseObject({
  network: z.string(),
  cidr: z.string(),
  /** The host's own address there. */
  gateway: z.string(),
  /** The first and the last address for guests. */
  first: z.string(),
  last: z.string(),
});
export type GivenSubnet = z.output<typeof givenSubnetSchema>;

/** Why a host cannot work though its agent is there. */
const troubleSchema = z.looseObject({
  /** A few words with dashes, such as `libvirt-hangs`. */
  code: z.string(),
  since: z.string(),
  /** What was found, for people. */
  message: z.string(),
});
export type Trouble = z.output<typeof troubleSchema>;

/** The value at `/agents/<host>`: the agent is there. It lives under the agent's lease. */
export const presenceSchema = z.looseObject({
  version: z.literal(1),
  host: providerUuidSchema,
  /** What people call the host. */
  hostname: z.string(),
  session: sessionUuidSchema,
  /** Which layout of keys the agent knows: 2 has its records below `/reports/<host>/`. Undefined is 1. */
  layout: z.int().optional(),
  /** The kinds of wishes that the agent knows. Undefined: it knows `power` only, in which requests of earlier versions had their wish. */
  wishes: z.array(z.string()).optional(),
  /** Members of boot requests that the agent sees to, of those that came with later versions. Undefined: none of them. */
  members: z.array(z.string()).optional(),
  /** The networks of the host that guests can be on. Undefined: nobody has told. */
  networks: z.array(z.string()).optional(),
  /** Of the networks that the agent manages. Undefined: nobody has told. */
  subnets: z.array(givenSubnetSchema).optional(),
  /** `draining`: the agent takes no new instances, because it is about to stop or its host is drained. */
  state: z.enum(['up', 'draining']),
  /** Null when the host can work. */
  trouble: troubleSchema.nullable().default(null),
  /** The drain that the agent heeds: its inventory is locked. Undefined: it cannot read drains, or is older than they are. */
  drain: drainNoticeSchema.nullable().optional(),
  agent_version: z.string(),
  hypervisor: z.looseObject({ type: z.string(), version: z.string(), uri: z.string() }),
  started_at: z.string(),
  /** Tells a dead agent of this machine from a live one before its lease has run out. */
  process: processIdentitySchema,
});
/** Of this version. */
export const REQUEST_MEMBERS = [
  'disks',
  'nics',
  'image_source',
  'shelved',
] as const satisfies readonly (keyof BootRequest)[];
export type RequestMember = (typeof REQUEST_MEMBERS)[number];

/** The layout of keys of this version. */
export const LAYOUT = 2;

export type Presence = z.output<typeof presenceSchema>;
