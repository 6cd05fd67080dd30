import { instanceNameSchema } from '@etcd-compute/common/ids';
import { isSnapshotImage } from '@etcd-compute/common/snapshot-image';
import { imageChecksumSchema } from '@etcd-compute/common/image-checksum';
import { parseDiskGiB, parseMemoryMiB, parseSeconds, parseWhole } from '../amounts.js';
import type { ScheduleConfig } from '../config.js';
import { imageSchema, userSchema } from '../config.js';
import { parseGuestArgs, type GuestArgs } from '../guest/guest-options.js';
import { buildWant } from '../resource-options.js';
import { STRATEGIES, type Strategy } from '@etcd-compute/cloud/selection/strategies';
import { closestWord, usageError } from '../usage.js';
import type { BootOptions } from './boot.js';

/** What was typed after `boot`, as text. */
export interface BootArgs {
  readonly user: string | undefined;
  readonly name: string | undefined;
  readonly vcpus: string | undefined;
  readonly memory: string | undefined;
  readonly disk: string | undefined;
  readonly addDisks: readonly string[];
  readonly networks: readonly string[];
  readonly image: string | undefined;
  readonly checksum: string | undefined;
  readonly resources: string | undefined;
  readonly traits: readonly string[];
  readonly memberOf: string | undefined;
  readonly count: string | undefined;
  readonly strategy: string | undefined;
  readonly retries: string | undefined;
  readonly timeout: string | undefined;
  readonly wait: boolean;
  readonly guest: GuestArgs;
}

const MAX_COUNT = 1_000;
const MAX_RETRIES = 20;

const parseName = (name: string, count: number | undefined): string => {
  const longest = count === undefined ? name : `${name}-${count}`;
  const parsed = instanceNameSchema.safeParse(longest);
  if (parsed.success) return name;
  const reason = parsed.error.issues[0]?.message ?? 'it is not a name';
  throw usageError(
    `--name '${name}' is not usable: ${reason}`,
    count === undefined ? 'it becomes the host name of the guest' : `with --count, names are ${name}-1 to ${longest}`,
  );
};

const parseStrategy = (text: string): Strategy => {
  const strategy = STRATEGIES.find((known) => known === text);
  if (strategy !== undefined) return strategy;
  const near = closestWord(text, STRATEGIES);
  throw usageError(
    `--strategy '${text}' is not known: expected ${STRATEGIES.join(', ')}`,
    near === undefined ? 'see `eschedule boot --help`' : `did you mean ${near}?`,
  );
};

export const parseImage = (image: string): string => {
  const parsed = imageSchema.safeParse(image);
  if (parsed.success) return image;
  throw usageError(
    `--image '${image}' is not usable`,
    'expected an http(s) URL of a disk image, such as http://images.example/a.qcow2, or snapshot:NAME',
  );
};

export const parseChecksum = (text: string): string => {
  const parsed = imageChecksumSchema.safeParse(text);
  if (parsed.success) return parsed.data;
  throw usageError(
    `--checksum '${text}' is not usable`,
    'expected sha256: and 64 hexadecimal digits, as `sha256sum FILE` prints them, sha512: and 128, or the URL of a SHA256SUMS',
  );
};

const parseUser = (text: string): string => {
  const parsed = userSchema.safeParse(text);
  if (parsed.success) return parsed.data;
  throw usageError(
    `--user '${text}' is not usable: ${parsed.error.issues[0]?.message ?? 'it is no name'}`,
    'such as --user alice',
  );
};

const parseRetries = (text: string): number => (text === '0' ? 0 : parseWhole('retries', text, MAX_RETRIES));

/** Checks everything before anything is sent. @throws EcomputeError ECOMPUTE_USAGE */
export const parseBootArgs = (args: BootArgs): ((config: ScheduleConfig) => BootOptions) => {
  const { vcpus, memory, disk, resources } = args;
  if (resources !== undefined && [vcpus, memory, disk].some((amount) => amount !== undefined))
    throw usageError('--resources replaces --vcpus, --memory and --disk', 'give one or the other');
  const user = args.user === undefined ? undefined : parseUser(args.user);
  if (resources !== undefined && args.addDisks.length > 0)
    throw usageError(
      '--add-disk needs --disk, and --resources replaces that',
      'the disks are counted in DISK_GB; give --vcpus, --memory and --disk',
    );
  const addDisks = args.addDisks.map((size) => parseDiskGiB('add-disk', size));
  const count = args.count === undefined ? undefined : parseWhole('count', args.count, MAX_COUNT);
  const name = args.name === undefined ? undefined : parseName(args.name, count);
  const want = buildWant({
    vcpus: parseWhole('vcpus', vcpus ?? '1'),
    memoryMiB: parseMemoryMiB('memory', memory ?? '256'),
    diskGiB: addDisks.reduce((sum, size) => sum + size, parseDiskGiB('disk', disk ?? '1')),
    resources,
    traits: args.traits,
    memberOf: args.memberOf,
  });
  const image = args.image === undefined ? undefined : parseImage(args.image);
  const checksum = args.checksum === undefined ? undefined : parseChecksum(args.checksum);
  if (checksum !== undefined && image !== undefined && isSnapshotImage(image))
    throw usageError('--checksum goes with a URL', 'the agents know the digest of a snapshot');
  const strategy = args.strategy === undefined ? undefined : parseStrategy(args.strategy);
  const retries = args.retries === undefined ? undefined : parseRetries(args.retries);
  const timeoutSeconds = args.timeout === undefined ? undefined : parseSeconds('timeout', args.timeout);
  const guestFor = parseGuestArgs(args.guest);
  return (config) => ({
    user,
    want,
    name,
    count,
    addDisks,
    networks: args.networks.length === 0 ? undefined : args.networks,
    guest: guestFor(config),
    isWaiting: args.wait,
    image: image ?? config.image,
    checksum,
    strategy: strategy ?? config.strategy,
    retries: retries ?? config.retries,
    timeoutSeconds: timeoutSeconds ?? config.timeout,
  });
};
