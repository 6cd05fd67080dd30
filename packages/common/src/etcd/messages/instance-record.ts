import { z } from 'zod';
import { instanceUuidSchema, providerUuidSchema, sessionUuidSchema } from '../../ids.js';
import { furtherDiskSchema, type FurtherDisk } from './disks.js';
import { reportedNicSchema, type WantedNic } from './nics.js';
import { lockSchema } from './lock.js';

/** The states of an instance; docs/how-it-works.md says how it passes from one to another. */
export const INSTANCE_STATES = [
  'scheduled',
  'building',
  'active',
  'stopped',
  'suspended',
  'shelved',
  'deleting',
  'deleted',
  'error',
] as const;
export type InstanceState = (typeof INSTANCE_STATES)[number];

/** docs/how-it-works.md has the same table. */
const NEXT_STATES: Readonly<Record<InstanceState, readonly InstanceState[]>> = {
  scheduled: ['building', 'deleting', 'error'],
  building: ['active', 'error', 'deleting', 'stopped'],
  active: ['stopped', 'suspended', 'shelved', 'error', 'deleting'],
  stopped: ['active', 'suspended', 'shelved', 'error', 'deleting'],
  suspended: ['active', 'stopped', 'error', 'deleting'],
  shelved: ['scheduled', 'active', 'stopped', 'suspended', 'error', 'deleting'],
  deleting: ['deleted'],
  deleted: ['building', 'deleting', 'error'],
  error: ['scheduled', 'active', 'stopped', 'suspended', 'deleting'],
};

/** Whether an instance may pass from one state to another. Staying is always allowed. */
export const canBecome = (from: InstanceState, to: InstanceState): boolean =>
  from === to || NEXT_STATES[from].includes(to);

/** A record keeps this many transitions; older ones are dropped. */
export const MAX_TRANSITIONS = 20;

/** A deleted instance can still be looked up for this long. */
export const DELETED_TTL_SECONDS = 3600;

const addressSchema = z.looseObject({
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

/** How far a step has come with its data. */
export const transferSchema = z.looseObject({
  bytes: z.number().nonnegative(),
  /** Null when unknown. */
  total_bytes: z.number().nonnegative().nullable(),
  bytes_per_second: z.number().nonnegative().nullable(),
});
export type Transfer = z.output<typeof transferSchema>;

const transitionSchema = z.looseObject({ at: z.string(), state: z.enum(INSTANCE_STATES), reason: z.string() });

/** The outcome of a wish. */
const outcomeSchema = z.looseObject({
  count: z.int().positive(),
  kind: z.string(),
  at: z.string(),
  /** Null when the wish was carried out. */
  fault: faultSchema.nullable(),
});
export type Outcome = z.output<typeof outcomeSchema>;

/** A record keeps this many outcomes; older ones are dropped. */
const MAX_OUTCOMES = 10;

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
  /** Null until it is built: those that its host gives to every guest. */
  nics: z.array(reportedNicSchema).nullable().default(null),
  locked: lockSchema.nullable().default(null),
  /**
   * The step that runs now; null when none does. Only older agents write `progress` and `transfer`: the progress of downloads is at
   * `/images/<host>/downloads`.
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
  /** What each source of addresses said; null while the agent still looks for one. */
  address_sources: z.record(z.string(), z.string()).nullable(),
  fault: faultSchema.nullable(),
  /** So many more hosts may be tried when this one cannot build it, as its request says. */
  attempts_left: z.int().nonnegative().default(0),
  /** Why an `active` guest is paused, in libvirt's word: `user`, `ioerror` ... Null while it runs. */
  paused: z.string().nullable().default(null),
  /** The count of the last wish that was carried out, or failed. */
  wish_count: z.int().default(0),
  outcomes: z.array(outcomeSchema).default([]),
  /** The host's boot (/proc/sys/kernel/random/boot_id) in which the guest was last seen running; null before. */
  boot_id: z.string().nullable().default(null),
  created_at: z.string(),
  updated_at: z.string(),
  transitions: z.array(transitionSchema),
});
/**
 * The value at `/reports/<host>/<instance>`: what was last reported of an instance. The scheduler creates it with the boot request
 * (`scheduled`), or the agent when the request is the original's. After the claim only the claiming agent writes it, and every write compares
 * the revision that was read.
 */
export type InstanceRecord = z.output<typeof recordObject>;

/** Earlier versions count only wishes about power, and keep members that they do not know. */
const readPowerCount = (stored: unknown): unknown => {
  if (typeof stored !== 'object' || stored === null || !('power_count' in stored)) return stored;
  const { power_count, ...others } = stored;
  const counts = 'wish_count' in others ? [others.wish_count, power_count] : [power_count];
  return { ...others, wish_count: Math.max(...counts.map(Number)) };
};

export const instanceRecordSchema = z.preprocess(readPowerCount, recordObject);

/** The instance has a guest, running or not. */
export const isBuilt = ({ state }: Pick<InstanceRecord, 'state'>): boolean =>
  state === 'active' || state === 'stopped' || state === 'suspended';

/** Its domain is gone, its disk may still be there. It keeps its allocation, and recovers when the domain comes back. */
export const isDomainLost = ({ state, fault }: Pick<InstanceRecord, 'state' | 'fault'>): boolean =>
  state === 'error' && fault?.code === 'ECOMPUTE_DOMAIN_LOST';

/** Its build failed in a step and was undone. It has no allocation, and nothing of it should be on its host. */
export const isFailedBuild = ({ state, fault }: Pick<InstanceRecord, 'state' | 'fault'>): boolean =>
  state === 'error' && typeof fault?.step === 'string';

/** Its host could not build it for a reason of its own, and another host may be tried. It never had a guest. */
export const canMoveOn = ({
  state,
  fault,
  boot_id,
  attempts_left,
}: Pick<InstanceRecord, 'state' | 'fault' | 'boot_id' | 'attempts_left'>): boolean =>
  state === 'error' && fault?.retryable === true && boot_id === null && attempts_left > 0;

export interface NewRecord {
  readonly instance: InstanceRecord['instance'];
  readonly host: InstanceRecord['host'];
  readonly name: string | null;
  readonly project?: string | undefined;
  readonly user?: string | undefined;
  readonly attemptsLeft?: number | undefined;
  readonly resources: Record<string, number>;
  readonly image: string | null;
  readonly disks?: readonly FurtherDisk[] | undefined;
  readonly nics?: readonly WantedNic[] | undefined;
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
  attemptsLeft = 0,
  resources,
  image,
  disks = [],
  nics,
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
  nics: nics ? [...nics] : null,
  locked: null,
  step: null,
  addresses: [],
  address_sources: null,
  fault: null,
  attempts_left: attemptsLeft,
  paused: null,
  wish_count: 0,
  outcomes: [],
  boot_id: null,
  created_at: now.toISOString(),
  updated_at: now.toISOString(),
  transitions: [{ at: now.toISOString(), state: 'scheduled', reason }],
});

/** The changes to a record when a wish was carried out, or failed. */
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

/** The record in its next state. The transition is noted unless it repeats the last one (same state, same reason). */
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
