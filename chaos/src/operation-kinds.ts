/** What people do meanwhile: one line for each command of `eschedule`. */
export const OPERATION_KINDS = [
  'boot',
  'boot-and-wait',
  'boot-many',
  'boot-many-and-wait',
  'boot-verified',
  'boot-refused',
  'stop',
  'stop-and-wait',
  'start',
  'start-and-wait',
  'reboot',
  'reboot-and-wait',
  'destroy',
  'destroy-and-wait',
  'logs',
  'tunnel',
  'list',
  'audit-fix',
  'image-prefetch',
  'image-rm',
] as const;
export type OperationKind = (typeof OPERATION_KINDS)[number];

export interface OperationSpec {
  /** How often, beside the others. */
  readonly weight: number;
  /** A new instance, one that was booted before, an image, or everything that there is. */
  readonly of: 'new' | 'booted' | 'image' | 'cloud';
  /** What it asks for: the checks at the end rest on it. */
  readonly wish: 'exist' | 'be-gone' | 'anything';
  /** @param name of the instance, or the image's URL. @param wait for commands that wait, and says for how long. */
  readonly argv: (name: string, wait: readonly string[]) => readonly string[];
  /** Whether it boots a number of instances at once (`--count`). */
  readonly isMany?: boolean;
  /** Of the image: that which its URL gives at that time, or one of no image. */
  readonly checksum?: 'right' | 'wrong';
  /** It has no `--output`: its errors are words. */
  readonly hasNoOutput?: boolean;
  /** Exit codes besides 0 that are no failures, or that are told otherwise than by an error. */
  readonly usualCodes?: readonly number[];
}

export const OPERATIONS: Readonly<Record<OperationKind, OperationSpec>> = {
  boot: { weight: 6, of: 'new', wish: 'exist', argv: (name) => ['boot', '--name', name, '--no-wait'] },
  'boot-and-wait': { weight: 4, of: 'new', wish: 'exist', argv: (name, wait) => ['boot', '--name', name, ...wait] },
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
  'boot-refused': {
    weight: 1,
    of: 'new',
    wish: 'exist',
    checksum: 'wrong',
    argv: (name, wait) => ['boot', '--name', name, ...wait],
  },
  stop: { weight: 2, of: 'booted', wish: 'anything', argv: (name) => ['stop', name, '--no-wait'] },
  'stop-and-wait': { weight: 1, of: 'booted', wish: 'anything', argv: (name, wait) => ['stop', name, ...wait] },
  start: { weight: 2, of: 'booted', wish: 'anything', argv: (name) => ['start', name, '--no-wait'] },
  'start-and-wait': { weight: 1, of: 'booted', wish: 'anything', argv: (name, wait) => ['start', name, ...wait] },
  reboot: { weight: 1, of: 'booted', wish: 'anything', argv: (name) => ['reboot', name, '--no-wait'] },
  'reboot-and-wait': { weight: 1, of: 'booted', wish: 'anything', argv: (name, wait) => ['reboot', name, ...wait] },
  destroy: { weight: 6, of: 'booted', wish: 'be-gone', argv: (name) => ['destroy', name, '--no-wait'] },
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
};

/** The names of the instances that a command is about: `web`, or with a count `web-1`, `web-2` and so on. */
export const namesOf = ({ name, count }: { readonly name: string; readonly count?: number }): readonly string[] =>
  count === undefined ? [name] : Array.from({ length: count }, (_, index) => `${name}-${index + 1}`);
