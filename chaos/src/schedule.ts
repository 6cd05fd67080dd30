import { createRequestPlanner, type ApiRequest } from './api/plan-requests.js';
import { FAULT_KINDS, specOfFault, type FaultKind } from './faults/kinds.js';
import { namesOf, OPERATION_KINDS, operationOf, type OperationKind, type OperationSpec } from './operation-kinds.js';
import { createDeck, createRandom, type Random } from './random.js';

/**
 * Who does what and what goes wrong when: all of it decided by the seed, before anything runs. Only how the processes take it is left
 * to the machine.
 */
export interface Schedule {
  readonly seed: number;
  readonly rounds: readonly Round[];
}

export interface Round {
  readonly requests: readonly ApiRequest[];
  readonly operations: readonly Operation[];
  readonly faults: readonly Fault[];
}

export interface Operation {
  /** Since the round's beginning. */
  readonly atMs: number;
  readonly kind: OperationKind;
  /** Of the instance; `host-0` and so on for a host. */
  readonly name: string;
  /** How many instances are booted at once; left out: one, of exactly this name. */
  readonly count?: number;
  /** The name of the image that a boot asks for. */
  readonly image: string;
}

export interface Fault {
  /** Since the round's beginning. */
  readonly atMs: number;
  readonly durationMs: number;
  readonly kind: FaultKind;
  /** Which agent, member or client, or which of the round's operations; 0 where there is only one. */
  readonly target: number;
}

export interface ScheduleOptions {
  readonly seed: number;
  readonly rounds: number;
  readonly agents: number;
  /** Of etcd. */
  readonly members: number;
  readonly hasGuests: boolean;
  readonly placement: 'service' | 'etcd';
  /** How many there are. */
  readonly eapis: number;
}

interface Workload {
  /** Instances that are there at a time, at the most, if every command does what it says. */
  readonly most: number;
  readonly operations: readonly [least: number, most: number];
  /** Operations and faults begin within this time. */
  readonly withinMs: number;
}

const SIMULATED: Workload = { most: 14, operations: [5, 7], withinMs: 2500 };
/** A guest takes memory and seconds. */
const GUESTS: Workload = { most: 3, operations: [5, 6], withinMs: 8000 };

const FAULTS_A_ROUND = [1, 3] as const;
/** A fault that is aimed at a command comes while it runs. */
const AFTER_START_MS = [40, 700] as const;
/** One boot in so many asks for another image than most: one that no host has, or with guests one of a few. */
const OTHER_IMAGE_EVERY = 3;
/** Each takes space in each host's cache. */
const GUEST_IMAGES = 3;
/** Instances that are booted at once, if there is room for them. */
const MANY = [2, 3] as const;
/** Of the commands about instances that are there; they come and go as often, however many other commands there are. */
const ENDING = 0.35;
/** One command in so many is about no instance. */
const NO_INSTANCE_EVERY = 5;

export const planSchedule = (options: ScheduleOptions): Schedule => {
  const random = createRandom(options.seed);
  const workload = options.hasGuests ? GUESTS : SIMULATED;
  const planOperations = createOperationPlanner(random, { ...options, workload });
  const planRequests = createRequestPlanner({ ...options, withinMs: workload.withinMs });
  const drawFault = createDeck(random, faultWeights(options));
  const rounds = Array.from({ length: options.rounds }, (): Round => {
    const operations = planOperations();
    const faults = Array.from({ length: random.whole(...FAULTS_A_ROUND) }, () =>
      planFault(random, { kind: drawFault(), operations, options, withinMs: workload.withinMs }),
    );
    return { operations, requests: planRequests(), faults: faults.toSorted((a, b) => a.atMs - b.atMs) };
  });
  return { seed: options.seed, rounds };
};

export const isFor = (
  kind: FaultKind,
  { hasGuests, placement, eapis }: Pick<ScheduleOptions, 'hasGuests' | 'placement' | 'eapis'>,
): boolean => {
  const { only } = specOfFault(kind);
  if (only === 'eapi') return eapis > 0;
  return only === undefined || only === placement || only === (hasGuests ? 'guests' : 'simulated');
};

const faultWeights = (options: ScheduleOptions): Map<FaultKind, number> =>
  new Map(FAULT_KINDS.filter((kind) => isFor(kind, options)).map((kind) => [kind, specOfFault(kind).weight]));

/** Which of the hosts an operation is about. */
export const hostName = (index: number): string => `host-${index}`;

/** It keeps count of the instances that there would be if nothing went wrong. */
const createOperationPlanner = (
  random: Random,
  { seed, agents, hasGuests, workload }: ScheduleOptions & { workload: Workload },
): (() => Operation[]) => {
  const deckOf = (isMeant: (spec: OperationSpec) => boolean): (() => OperationKind) => {
    const kinds = OPERATION_KINDS.filter((kind) => isMeant(operationOf(kind)));
    return createDeck(random, new Map(kinds.map((kind) => [kind, operationOf(kind).weight])));
  };
  const draw = {
    new: deckOf(({ of }) => of === 'new'),
    changing: deckOf(({ of, wish }) => of === 'booted' && wish !== 'be-gone'),
    ending: deckOf(({ of, wish }) => of === 'booted' && wish === 'be-gone'),
    other: deckOf(({ of }) => of === 'image' || of === 'host' || of === 'cloud'),
  };
  const names: string[] = [];
  let booted = 0;

  const planOne = (): Omit<Operation, 'atMs'> => {
    if (random.whole(1, NO_INSTANCE_EVERY) === 1) {
      const kind = draw.other();
      const name = operationOf(kind).of === 'host' ? hostName(random.whole(0, agents - 1)) : kind;
      return { kind, name, image: `image-${random.whole(0, hasGuests ? GUEST_IMAGES - 1 : booted)}` };
    }
    const isNew = names.length === 0 || (names.length < workload.most && random.next() < 0.5);
    const isEnding = !isNew && random.next() < ENDING;
    const kind = draw[isNew ? 'new' : isEnding ? 'ending' : 'changing']();
    const isOtherImage = random.whole(1, OTHER_IMAGE_EVERY) === 1;
    const other = hasGuests ? random.whole(1, GUEST_IMAGES - 1) : booted + 1;
    const image = `image-${isOtherImage ? other : 0}`;
    if (!isNew) {
      const name = random.pick(names);
      if (operationOf(kind).wish === 'be-gone') names.splice(names.indexOf(name), 1);
      return { kind, name, image };
    }
    booted += 1;
    const name = `c${seed}-${booted}`;
    const many = Math.min(random.whole(...MANY), workload.most - names.length);
    const planned = { kind, name, image, ...(operationOf(kind).isMany === true && { count: many }) };
    names.push(...namesOf(planned));
    return planned;
  };

  return () =>
    Array.from({ length: random.whole(...workload.operations) }, () => ({
      ...planOne(),
      atMs: random.whole(0, workload.withinMs),
    }));
};

interface FaultOptions {
  readonly kind: FaultKind;
  readonly operations: readonly Operation[];
  readonly options: ScheduleOptions;
  readonly withinMs: number;
}

const planFault = (random: Random, { kind, operations, options, withinMs }: FaultOptions): Fault => {
  const { target: at, lasts } = specOfFault(kind);
  const counts = {
    agent: options.agents,
    member: options.members,
    // The way of all `eschedule`s is one more.
    client: options.agents + 1 + options.eapis,
    eapi: options.eapis,
    operation: operations.length,
    none: 1,
  };
  const target = random.whole(0, counts[at] - 1);
  const start = at === 'operation' ? (operations[target]?.atMs ?? 0) + random.whole(...AFTER_START_MS) : undefined;
  return { kind, target, atMs: start ?? random.whole(0, withinMs), durationMs: random.whole(...lasts) };
};
