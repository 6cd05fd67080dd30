import type { InstanceRecord } from '@etcd-compute/common/etcd/messages/instance-record';
import {
  isActionName,
  isWishName,
  WISH_KINDS,
  type ActionName,
  type WishName,
} from '@etcd-compute/common/wishes/kinds';
import { exampleOf } from '@etcd-compute/scheduler/commands/wishes/wishes';

const WISH_NAMES = Object.keys(WISH_KINDS).filter(isWishName);
const SNAPSHOT_NAME = exampleOf('snapshot', '').at(-1);
const NEW_NAME = exampleOf('rename', '').at(-1);
const ACTION_NAMES = WISH_NAMES.filter(isActionName);

export interface OperationSpec {
  /** How often, beside the others. */
  readonly weight: number;
  /** A new instance, one that was booted before, an image, a host, or everything that there is. */
  readonly of: 'new' | 'booted' | 'image' | 'host' | 'cloud';
  /** What it asks for: the checks at the end rest on it. */
  readonly wish: 'exist' | 'be-gone' | 'anything';
  /** @param name of the instance, the image's URL, or the host's uuid. @param wait for commands that wait, and says for how long. */
  readonly argv: (name: string, wait: readonly string[]) => readonly string[];
  /** Whether it boots a number of instances at once (`--count`). */
  readonly isMany?: boolean;
  /** Of the image: that which its URL gives at that time, or one of no image. */
  readonly checksum?: 'right' | 'wrong';
  /** Which instances it can be asked of. Left out: any. */
  readonly fits?: (record: InstanceRecord) => boolean;
  /** A word of its that stands for any disk of the instance. */
  readonly anyDisk?: string;
  /** It has no `--output`: its errors are words. */
  readonly hasNoOutput?: boolean;
  /** Exit codes besides 0 that are no failures, or that are told otherwise than by an error. */
  readonly usualCodes?: readonly number[];
}

const isShelved: OperationSpec['fits'] = ({ state }) => state === 'shelved';

const OTHERS = {
  boot: { weight: 6, of: 'new', wish: 'exist', argv: (name) => ['boot', '--name', name, '--no-wait'] },
  'boot-and-wait': { weight: 4, of: 'new', wish: 'exist', argv: (name, wait) => ['boot', '--name', name, ...wait] },
  // What its host cannot build, an audit moves on.
  'boot-retried': {
    weight: 2,
    of: 'new',
    wish: 'exist',
    argv: (name) => ['boot', '--name', name, '--no-wait', '--retries', '5'],
  },
  'boot-many': {
    weight: 2,
    of: 'new',
    wish: 'exist',
    isMany: true,
    argv: (name) => ['boot', '--name', name, '--no-wait'],
  },
  'boot-many-and-wait': {
    weight: 1,
    of: 'new',
    wish: 'exist',
    isMany: true,
    argv: (name, wait) => ['boot', '--name', name, ...wait],
  },
  'boot-verified': {
    weight: 2,
    of: 'new',
    wish: 'exist',
    checksum: 'right',
    argv: (name) => ['boot', '--name', name, '--no-wait'],
  },
  'boot-with-disks': {
    weight: 2,
    of: 'new',
    wish: 'exist',
    argv: (name) => ['boot', '--name', name, '--add-disk', '1G', '--add-disk', '2G', '--no-wait'],
  },
  'boot-refused': {
    weight: 1,
    of: 'new',
    wish: 'exist',
    checksum: 'wrong',
    argv: (name, wait) => ['boot', '--name', name, ...wait],
  },
  'resize-anywhere': {
    weight: 1,
    of: 'booted',
    wish: 'anything',
    argv: (name, wait) => ['resize', name, '--memory', '192M', '--restart', '--host-change', ...wait],
  },
  unshelve: {
    weight: 2,
    of: 'booted',
    wish: 'anything',
    fits: isShelved,
    argv: (name) => ['unshelve', name, '--no-wait'],
  },
  'unshelve-and-wait': {
    weight: 1,
    of: 'booted',
    wish: 'anything',
    fits: isShelved,
    argv: (name, wait) => ['unshelve', name, ...wait],
  },
  destroy: { weight: 8, of: 'booted', wish: 'be-gone', argv: (name) => ['destroy', name, '--no-wait'] },
  'destroy-and-wait': { weight: 2, of: 'booted', wish: 'be-gone', argv: (name, wait) => ['destroy', name, ...wait] },
  logs: {
    weight: 3,
    of: 'booted',
    wish: 'anything',
    hasNoOutput: true,
    argv: (name) => ['logs', name, '--tail', '20'],
  },
  tunnel: { weight: 2, of: 'booted', wish: 'anything', hasNoOutput: true, argv: (name) => ['tunnel', name] },
  list: { weight: 1, of: 'cloud', wish: 'anything', argv: () => ['list'] },
  // It tells by its code whether there is something left.
  'audit-fix': {
    weight: 1,
    of: 'cloud',
    wish: 'anything',
    argv: () => ['audit', '--fix', '--grace', '15'],
    usualCodes: [1, 3, 4],
  },
  'image-prefetch': {
    weight: 2,
    of: 'image',
    wish: 'anything',
    argv: (url, [, ...timeout]) => ['image', 'prefetch', url, ...timeout],
    usualCodes: [1],
  },
  // Not where a disk is on it.
  'image-rm': {
    weight: 1,
    of: 'image',
    wish: 'anything',
    argv: (url, [, ...timeout]) => ['image', 'rm', url, ...timeout],
    usualCodes: [1],
  },
  'host-drain': { weight: 1, of: 'host', wish: 'anything', argv: (uuid) => ['host', 'drain', uuid] },
  // One that is not drained cannot be undrained. More often than drains: a cloud without a host boots nothing.
  'host-undrain': {
    weight: 2,
    of: 'host',
    wish: 'anything',
    argv: (uuid) => ['host', 'undrain', uuid],
    usualCodes: [1],
  },
} as const satisfies Record<string, OperationSpec>;

type Other = keyof typeof OTHERS;
export type OperationKind = Other | WishName | `${ActionName}-and-wait`;

const isOther = (kind: string): kind is Other => Object.hasOwn(OTHERS, kind);

/** What people do meanwhile: one for each command of `eschedule`. All can be asked of an instance, though not all in every state. */
export const OPERATION_KINDS: readonly OperationKind[] = [
  ...Object.keys(OTHERS).filter(isOther),
  ...WISH_NAMES,
  ...ACTION_NAMES.map((name) => `${name}-and-wait` as const),
];

/** What an instance is called when it is renamed; every name is free. */
export const renamed = (name: string): string => `${name}-renamed`;

/** Names are unique: each instance has one of its own for its snapshot, and a new one for itself. */
const ownWord = (verb: WishName, word: string, name: string): string => {
  if (verb === 'snapshot' && word === SNAPSHOT_NAME) return `${word}-of-${name}`;
  return verb === 'rename' && word === NEW_NAME ? renamed(name) : word;
};

export const operationOf = (kind: OperationKind): OperationSpec => {
  if (isOther(kind)) return OTHERS[kind];
  const isWaiting = kind.endsWith('-and-wait');
  const verb = WISH_NAMES.find((name) => kind === name || kind === `${name}-and-wait`);
  if (!verb) throw new Error(`there is no operation '${kind}'`);
  const argv: OperationSpec['argv'] = (name, wait) => [
    ...exampleOf(verb, name).map((word) => ownWord(verb, word, name)),
    ...(isWaiting ? wait : ['--no-wait']),
  ];
  const anyDisk = verb === 'remove-disk' ? exampleOf(verb, '').at(-1) : undefined;
  // What stays locked is never destroyed.
  const weight = verb === 'unlock' ? 3 : 1;
  const fits = (record: InstanceRecord): boolean =>
    WISH_KINDS[verb].from.some((state) => state === record.state) && hasIt(verb, record);
  return { weight, of: 'booted', wish: 'anything', fits, argv, ...(anyDisk !== undefined && { anyDisk }) };
};

/** Whether it has what is to be taken from it, or lacks what is to be added. */
const hasIt = (verb: WishName, { disks, nics, paused, locked }: InstanceRecord): boolean => {
  const isOnNetwork = nics?.some(({ network }) => exampleOf(verb, '').includes(network)) ?? false;
  if (verb === 'remove-disk') return disks.length > 0;
  if (verb === 'remove-nic') return isOnNetwork;
  if (verb === 'add-nic') return !isOnNetwork;
  if (verb === 'resume') return paused !== null;
  return verb !== 'unlock' || locked !== null;
};

/** The names of the instances that a command is about: `web`, or with a count `web-1`, `web-2` and so on. */
export const namesOf = ({ name, count }: { readonly name: string; readonly count?: number }): readonly string[] =>
  count === undefined ? [name] : Array.from({ length: count }, (_, index) => `${name}-${index + 1}`);
