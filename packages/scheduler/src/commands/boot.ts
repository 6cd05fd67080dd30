import { EcomputeError, toError } from '@etcd-compute/common/errors';
import type { GuestMembers } from '@etcd-compute/common/etcd/messages/guest-config';
import { newInstanceUuid } from '@etcd-compute/common/ids';
import type { HostNames } from '../hosts/host-names.js';
import { readPresences } from '../hosts/presences.js';
import { viewOfRecord } from '../instances/view.js';
import { closeSomeBooks } from '../instances/close-books.js';
import { checkOldNames, findFreeNames } from '../instances/names.js';
import type { Cloud } from '../cloud.js';
import { instanceShape } from '../output/instance-shape.js';
import { createPlacer, type Placer } from '../placing/placer.js';
import { noHostError } from '../placing/no-host.js';
import { placeAll, type Placed } from '../placing/place-all.js';
import { checkRequestSize } from '../placing/request-size.js';
import type { InstanceSpec } from '../placing/write-request.js';
import type { ResourceQuery } from '../resource-query.js';
import type { Strategy } from '../selection/strategies.js';
import { EXIT_CODES } from '../exit-code.js';
import { waitForBoot, type BootProgress } from '../waiting/wait-for-boot.js';
import { bootFailures } from './boot-failures.js';
import type { CommandContext } from './context.js';

export interface BootOptions {
  readonly query: ResourceQuery;
  readonly name: string | undefined;
  readonly image: string;
  readonly checksum: string | undefined;
  readonly guest: GuestMembers;
  /** Undefined is one, and is shown as one and not as an array. */
  readonly count: number | undefined;
  readonly strategy: Strategy;
  readonly retries: number;
  readonly isWaiting: boolean;
  readonly timeoutSeconds: number;
}

/** `web` for one; `web-1`, `web-2` and so on for a count. */
export const instanceNames = (name: string | undefined, count: number | undefined): (string | null)[] => {
  if (count === undefined) return [name ?? null];
  return Array.from({ length: count }, (_, index) => (name === undefined ? null : `${name}-${index + 1}`));
};

const newSpecs = ({ config }: Cloud, options: BootOptions): InstanceSpec[] =>
  instanceNames(options.name, options.count).map((name) => ({
    instance: newInstanceUuid(),
    name,
    image: options.image,
    checksum: options.checksum,
    guest: options.guest,
    user: config.user,
    project: config.project,
    nameGuards: [],
  }));

/** Finds the hosts, and whether the names are free. @returns the specs with what guards their names. */
const prepare = async (cloud: Cloud, placer: Placer, specs: readonly InstanceSpec[]): Promise<InstanceSpec[]> => {
  const names = specs.map(({ name }) => name);
  const [{ hasOldAgents }, guards] = await Promise.all([placer.found(), findFreeNames(cloud, names)]);
  if (hasOldAgents) await checkOldNames(cloud, names);
  return specs.map((spec) => ({ ...spec, nameGuards: (spec.name !== null && guards.get(spec.name)) || [] }));
};

export const boot = async (context: CommandContext, options: BootOptions): Promise<number> => {
  const { cloud, interruption } = context;
  const specs = newSpecs(cloud, options);
  for (const spec of specs) checkRequestSize(spec);
  const { query, strategy } = options;
  const placer = createPlacer({ cloud, query, strategy, count: specs.length, needsPresence: true });
  const [named] = await Promise.all([prepare(cloud, placer, specs), closeSomeBooks(cloud)]);
  const { hostNames } = placer;
  const uuids: string[] = [];
  interruption.describe = () => goingOn(uuids);
  const results = await placeAll(placer, named, { interruption, onPlaced: ({ instance }) => uuids.push(instance) });
  interruption.signal.throwIfAborted();
  performance.mark('eschedule:placed');

  const placed = results.filter((result) => result.outcome === 'placed');
  const boots = placed.map(({ spec, record }): BootProgress => ({
    spec,
    record,
    end: undefined,
    retriesLeft: options.retries,
    failedHosts: new Map(),
  }));
  const errors: Error[] = [];
  if (options.isWaiting && boots.length > 0) {
    const { timeoutSeconds } = options;
    try {
      await waitForBoot({ context, placer, boots, hostNames, timeoutMs: timeoutSeconds * 1000 });
    } catch (thrown) {
      interruption.signal.throwIfAborted();
      errors.push(toError(thrown));
    }
    const late = boots.filter(({ end }) => end === 'timed-out').map(({ record }) => record.host);
    const presences = await readPresences(cloud, late);
    errors.push(...bootFailures(context, boots, { hostNames, timeoutSeconds, presences }));
  }
  await print(context, options, { boots, hostNames });
  performance.mark('eschedule:printed');
  errors.unshift(...(await placingErrors(context, options, results)));
  return finish(context, errors);
};

const goingOn = (uuids: readonly string[]): string => {
  const [first] = uuids;
  if (first === undefined) return 'nothing has been placed';
  const all = uuids.join(' ');
  return uuids.length === 1
    ? `the boot of instance ${first} goes on: see \`eschedule show ${first}\`, or stop it with \`eschedule destroy ${first}\``
    : `the boot of ${uuids.length} instances goes on: see \`eschedule list\`, or stop them with \`eschedule destroy ${all}\``;
};

const print = async (
  { output }: CommandContext,
  { count }: BootOptions,
  { boots, hostNames }: { boots: readonly BootProgress[]; hostNames: HostNames },
): Promise<void> => {
  const views = boots.map(({ record }) => viewOfRecord(record, hostNames));
  const [only] = views;
  if (count !== undefined) await output.list(views, instanceShape);
  else if (only) await output.one(only, instanceShape);
};

const placingErrors = async (
  { cloud }: CommandContext,
  { query }: BootOptions,
  results: readonly Placed[],
): Promise<Error[]> => {
  const unplaced = results.filter((result) => result.outcome === 'no-host');
  const failed = results.filter((result) => result.outcome === 'failed');
  const errors: Error[] = [...new Set(failed.map(({ err }) => err))];
  const [firstFailed] = failed;
  if (firstFailed && failed.length > 1) {
    const message = `could not place ${failed.length} of ${results.length} instances`;
    errors.push(new EcomputeError('ECOMPUTE_INSTANCE_FAILED', message, { details: { asked: results.length } }));
  }
  if (unplaced.length > 0) {
    const dropped = unplaced.flatMap((result) => result.dropped);
    const counts = { asked: results.length, unplaced: unplaced.length };
    errors.push(await noHostError({ cloud, query, dropped, ...counts }));
  }
  return errors;
};

/** Tells every error but the first, which the caller tells; it gives the exit code. */
const finish = (context: CommandContext, [first, ...rest]: readonly Error[]): number => {
  for (const error of rest) context.output.error(error);
  if (first) throw first;
  return EXIT_CODES.done;
};
