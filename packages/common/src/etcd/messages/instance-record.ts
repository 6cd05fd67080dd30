import { z } from 'zod';
import { instanceUuidSchema, providerUuidSchema, sessionUuidSchema } from '../../ids.js';
import { furtherDiskSchema, type FurtherDisk } from './disks.js';
import { lockSchema } from './lock.js';

/**
 * The value at `/reports/<host>/<instance>`: what was last reported. Created by the scheduler together with the boot request (state
 * `scheduled`), or by the agent when the request is the original's; from the claim on only the claiming agent writes it, always
 * comparing the revision that it read.
 *
 *   scheduled -> building -> active <-> stopped, suspended
 *                   |           |          |
 *                   +-> error <-+----------+
 *   any -> deleting -> deleted (kept for an hour)
 *
 * From `error: domain lost`, all states of a guest are reached again when the domain comes back.
 *
 * After a crash `building` and `deleting` are simply taken up again by the agent's next session.
 */
export const INSTANCE_STATES = [
  'scheduled',
  'building',
  'active',
  'stopped',
  'suspended',
  'deleting',
  'deleted',
  'error',
] as const;
export type InstanceState = (typeof INSTANCE_STATES)[number];

const NEXT_STATES: Readonly<Record<InstanceState, readonly InstanceState[]>> = {
  scheduled: ['building', 'deleting', 'error'],
  building: ['active', 'error', 'deleting', 'stopped'],
  active: ['stopped', 'suspended', 'error', 'deleting'],
  stopped: ['active', 'suspended', 'error', 'deleting'],
  suspended: ['active', 'stopped', 'error', 'deleting'],
  deleting: ['deleted'],
  deleted: ['building', 'deleting', 'error'],
  error: ['scheduled', 'active', 'stopped', 'suspended', 'deleting'],
};

export const canBecome = (from: InstanceState, to: InstanceState): boolean =>
  from === to || NEXT_STATES[from].includes(to);

/** A record keeps this many transitions; older ones are dropped. */
export const MAX_TRANSITIONS = 20;

/** A deleted instance can still be looked up for this long. */
export const DELETED_TTL_SECONDS = 3600;

export const addressSchema = z.looseObject({
  address: z.string(),
  family: z.enum(['ipv4', 'ipv6']),
  mac: z.string().nullable(),
  source: z.enum(['lease', 'agent', 'arp']),
});
export type Address = z.output<typeof addressSchema>;

/** Why an instance is in `error`, or what is wrong with one that is not. The code is one of `ERROR_CODES`. */
export const faultSchema = z.looseObject({
  code: z.string(),
  message: z.string(),
  step: z.string().nullable(),
  hint: z.string().nullable(),
  /** True when the host was the reason, so that another host may do. */
  retryable: z.boolean().default(false),
});
export type Fault = z.output<typeof faultSchema>;

/** Bytes that a step moves. */
export const transferSchema = z.looseObject({
  bytes: z.number().nonnegative(),
  /** Null when nobody knows. */
  total_bytes: z.number().nonnegative().nullable(),
  bytes_per_second: z.number().nonnegative().nullable(),
});
export type Transfer = z.output<typeof transferSchema>;

const transitionSchema = z.looseObject({ at: z.string(), state: z.enum(INSTANCE_STATES), reason: z.string() });

/** What became of a wish. */
const outcomeSchema = z.looseObject({
  count: z.int().positive(),
  kind: z.string(),
  at: z.string(),
  /** Null when it was carried out. */
  fault: faultSchema.nullable(),
});
export type Outcome = z.output<typeof outcomeSchema>;

/** A record keeps this many outcomes; older ones are dropped. */
export const MAX_OUTCOMES = 10;

const recordObject = z.looseObject({
  version: z.literal(1),
  instance: instanceUuidSchema,
  name: z.string().nullable(),
  /** Who booted it, and for which project. Undefined in records of older versions. */
  project: z.string().optional(),
  user: z.string().optional(),
  host: providerUuidSchema,
  state: z.enum(INSTANCE_STATES),
  /** The agent session that has claimed the instance; null before the claim. */
  session: sessionUuidSchema.nullable(),
  resources: z.record(z.string(), z.int()),
  image: z.string().nullable(),
  /** Disks beside the root disk, which has what these leave of DISK_GB. */
  disks: z.array(furtherDiskSchema).default([]),
  locked: lockSchema.nullable().default(null),
  /**
   * The step in hand. Null when nothing is being done. Only agents of older versions write `progress` and `transfer`: how far a download
   * is stands at `/images/<host>/downloads`.
   */
  step: z
    .looseObject({
      name: z.string(),
      since: z.string(),
      progress: z.string().nullable(),
      transfer: transferSchema.nullable().optional(),
    })
    .nullable(),
  addresses: z.array(addressSchema),
  /** Null while the agent still looks for an address; then each source that was asked, with what it said. */
  address_sources: z.record(z.string(), z.string()).nullable(),
  fault: faultSchema.nullable(),
  /** Why an `active` guest does not go on, in libvirt's word: `user`, `ioerror` ... Null while it runs. */
  paused: z.string().nullable().default(null),
  /** The count of the wish that was carried out last, or failed. */
  wish_count: z.int().default(0),
  outcomes: z.array(outcomeSchema).default([]),
  /** The host's boot (/proc/sys/kernel/random/boot_id) in which the guest was last seen running; null before. */
  boot_id: z.string().nullable().default(null),
  created_at: z.string(),
  updated_at: z.string(),
  transitions: z.array(transitionSchema),
});
export type InstanceRecord = z.output<typeof recordObject>;

/** Earlier versions count wishes about the power only, and leave alone what they do not know. */
const readPowerCount = (stored: unknown): unknown => {
  if (typeof stored !== 'object' || stored === null || !('power_count' in stored)) return stored;
  const { power_count, ...others } = stored;
  const counts = 'wish_count' in others ? [others.wish_count, power_count] : [power_count];
  return { ...others, wish_count: Math.max(...counts.map(Number)) };
};

export const instanceRecordSchema = z.preprocess(readPowerCount, recordObject);

/** It has a guest, whether that runs or not. */
export const isBuilt = ({ state }: Pick<InstanceRecord, 'state'>): boolean =>
  state === 'active' || state === 'stopped' || state === 'suspended';

/** Its domain is gone, and its disk may be there: it keeps its allocation, and lives again when the domain comes back. */
export const isDomainLost = ({ state, fault }: Pick<InstanceRecord, 'state' | 'fault'>): boolean =>
  state === 'error' && fault?.code === 'ECOMPUTE_DOMAIN_LOST';

/** Its build failed in a step and was undone: it holds no allocation, and nothing of it may be on its host. */
export const isFailedBuild = ({ state, fault }: Pick<InstanceRecord, 'state' | 'fault'>): boolean =>
  state === 'error' && typeof fault?.step === 'string';

export interface NewRecord {
  readonly instance: InstanceRecord['instance'];
  readonly host: InstanceRecord['host'];
  readonly name: string | null;
  readonly project?: string | undefined;
  readonly user?: string | undefined;
  readonly resources: Record<string, number>;
  readonly image: string | null;
  readonly disks?: readonly FurtherDisk[] | undefined;
  readonly reason: string;
  readonly now: Date;
}

/** The record as the scheduler creates it. */
export const newRecord = ({
  instance,
  host,
  name,
  project,
  user,
  resources,
  image,
  disks = [],
  reason,
  now,
}: NewRecord): InstanceRecord => ({
  version: 1,
  instance,
  name,
  ...(project !== undefined && { project }),
  ...(user !== undefined && { user }),
  host,
  state: 'scheduled',
  session: null,
  resources,
  image,
  disks: [...disks],
  locked: null,
  step: null,
  addresses: [],
  address_sources: null,
  fault: null,
  paused: null,
  wish_count: 0,
  outcomes: [],
  boot_id: null,
  created_at: now.toISOString(),
  updated_at: now.toISOString(),
  transitions: [{ at: now.toISOString(), state: 'scheduled', reason }],
});

/** What a record says once a wish was carried out, or has failed. */
export const withOutcome = (
  record: InstanceRecord,
  outcome: Outcome,
): Pick<InstanceRecord, 'wish_count' | 'outcomes'> => ({
  wish_count: outcome.count,
  ...withPendingOutcome(record, outcome),
});

/** The same, while what was done of it is still being taken back. */
export const withPendingOutcome = (record: InstanceRecord, outcome: Outcome): Pick<InstanceRecord, 'outcomes'> => ({
  outcomes: [...record.outcomes.filter(({ count }) => count !== outcome.count), outcome].slice(-MAX_OUTCOMES),
});

/** The record in its next state, with the transition noted. Same state and reason as the last one: not noted again. */
export const withState = (
  record: InstanceRecord,
  state: InstanceState,
  { reason, now, ...changes }: { reason: string; now: Date } & Partial<InstanceRecord>,
): InstanceRecord => {
  const last = record.transitions.at(-1);
  const isRepeat = last?.state === state && last.reason === reason;
  const transitions = isRepeat ? record.transitions : [...record.transitions, { at: now.toISOString(), state, reason }];
  return {
    ...record,
    ...changes,
    state,
    updated_at: now.toISOString(),
    transitions: transitions.slice(-MAX_TRANSITIONS),
  };
};
