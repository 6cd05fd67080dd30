import type { Want } from '@etcd-compute/common/capacity/capacity';
import { EcomputeError, toError } from '@etcd-compute/common/errors';
import type { SnapshotSource } from '@etcd-compute/common/etcd/messages/snapshot';
import type { GuestMembers } from '@etcd-compute/common/etcd/messages/guest-config';
import { renderQuery } from '@etcd-compute/common/capacity/want';
import { newDiskUuid, newInstanceUuid, type InstanceUuid, type ProviderUuid } from '@etcd-compute/common/ids';
import type { HostNames } from '../hosts/host-names.js';
import { closeSomeBooks } from '../instances/books.js';
import { checkOldNames, findFreeNames } from '../instances/names.js';
import { viewOfRecord, type InstanceView } from '../instances/view.js';
import type { Binding } from '../placing/along.js';
import { noHostError } from '../placing/no-host.js';
import { placeAll, type Placed } from '../placing/place-all.js';
import { createPlacer, type Placer } from '../placing/placer.js';
import { checkRequestSize } from '../placing/request-size.js';
import type { InstanceSpec } from '../placing/write-request.js';
import { run, type Run, type RunOptions } from '../run.js';
import type { AgentNeeds } from '../selection/filters/presence.js';
import { resolveImage, type ResolvedImage } from '../snapshots/resolve-image.js';
import type { Strategy } from '../selection/strategies.js';
import type { Services } from '../services.js';
import { checkDisks } from './check-disks.js';
import { checkNetworks } from './check-networks.js';
import { explainBoots } from './boot-errors.js';
import { waitForBoot, type BootEnd, type BootProgress, type WaitForBootOptions } from './wait-for-boot.js';

export interface BootOptions extends RunOptions, Binding {
  /** Its uuid. Default: a new one. Not together with a count. */
  readonly instance?: InstanceUuid | undefined;
  /** The user in Placement. Default: the cloud's. */
  readonly user?: string | undefined;
  readonly want: Want;
  /** http(s) URL of a disk image, `snapshot:NAME`, or `image:UUID@sha256:...` with its source. */
  readonly image: string;
  /** What lets hosts fetch the image from image servers. */
  readonly imageSource?: SnapshotSource | undefined;
  /** `sha256:...` or `sha512:...` of the file behind the URL, or the URL of the SHA256SUMS that has it. */
  readonly checksum?: string | undefined;
  /** Empty disks beside the root disk, in GiB each. They are a part of the DISK_GB that is wanted. */
  readonly addDisks?: readonly number[];
  /** Networks of the host to be on, in the order of the interfaces. Default: those that the host gives to every guest. */
  readonly networks?: readonly string[] | undefined;
  readonly name?: string | undefined;
  /** How many; with a name, they are called NAME-1, NAME-2, ... */
  readonly count?: number | undefined;
  readonly guest?: GuestMembers;
  /** Default `spread`. */
  readonly strategy?: Strategy;
  /** Hosts to try after one that cannot build it. They are tried by whoever waits for the instance, and by an audit. Default 2. */
  readonly retries?: number;
  /** How long to wait until they are up. Undefined: return when they are placed; the agents boot them anyway. */
  readonly waitMs?: number | undefined;
  /** Whether events tell how far downloads are, which takes reads. Default false. */
  readonly tellsDownloads?: boolean;
  /** False takes hosts without an agent of ours too: the original's agent leaves no sign of life. Default true. */
  readonly needsAgents?: boolean;
}

/** An instance that was placed. */
export interface Booted {
  /** Undefined when nobody waited. */
  readonly end: BootEnd | undefined;
  readonly instance: InstanceView;
}

export interface BootResult {
  readonly booted: readonly Booted[];
  /** Why some were not placed, then why some did not come up. */
  readonly errors: readonly Error[];
}

/** `web` for one; `web-1`, `web-2` and so on for a count. */
export const instanceNames = (name: string | undefined, count: number | undefined): (string | null)[] => {
  if (count === undefined) return [name ?? null];
  return Array.from({ length: count }, (_, index) => (name === undefined ? null : `${name}-${index + 1}`));
};

const newSpecs = (
  { user, project }: Services,
  options: BootOptions,
  { image, source }: ResolvedImage,
): InstanceSpec[] => {
  const { want, strategy = 'spread', retries = 2 } = options;
  const retry = { attempts_left: retries, query: renderQuery(want), strategy, failed_hosts: [] };
  return instanceNames(options.name, options.count).map((name) => ({
    instance: options.instance ?? newInstanceUuid(),
    name,
    image,
    imageSource: source,
    checksum: options.checksum,
    disks: (options.addDisks ?? []).map((size_gib) => ({ uuid: newDiskUuid(), size_gib })),
    nics: options.networks?.map((network, slot) => ({ slot, network })),
    guest: options.guest ?? {},
    user: options.user ?? user,
    project,
    retry,
    nameGuards: [],
    along: options.along,
  }));
};

const needsOf = ({ addDisks = [], networks }: BootOptions, { source }: ResolvedImage): AgentNeeds => ({
  members: [
    ...(addDisks.length > 0 ? (['disks'] as const) : []),
    ...(networks ? (['nics'] as const) : []),
    ...(source ? (['image_source'] as const) : []),
  ],
  ...(networks && { networks }),
});

/** Finds the hosts, and whether the names are free. @returns the specs with what guards their names. */
const prepare = async (
  services: Services,
  placer: Placer,
  specs: readonly InstanceSpec[],
): Promise<readonly InstanceSpec[]> => {
  const names = specs.map(({ name }) => name);
  const [{ hasOldAgents }, guards] = await Promise.all([placer.found(), findFreeNames(services, names)]);
  if (hasOldAgents) await checkOldNames(services, names);
  return specs.map((spec) => ({ ...spec, nameGuards: (spec.name !== null && guards.get(spec.name)) || [] }));
};

/**
 * Boots instances on hosts that have room: as many as find it. What becomes of each is in the result. While this waits, an instance that
 * its host cannot build goes on to the next host; else it is left to whoever comes across it.
 *
 * @throws EcomputeError when nothing could be placed because a name is taken, a request is too large, or etcd or Placement is away.
 */
export const boot = async (services: Services, options: BootOptions): Promise<BootResult> =>
  run(options, async (running) => bootAll(services, options, running));

const bootAll = async (services: Services, options: BootOptions, running: Run): Promise<BootResult> => {
  const { want, strategy = 'spread', waitMs, tellsDownloads = false, needsAgents = true } = options;
  checkDisks(options);
  checkNetworks(options.networks);
  const image = await resolveImage(services, options.image, options.imageSource);
  const specs = newSpecs(services, options, image);
  for (const spec of specs) checkRequestSize(spec);
  const names = new Map<ProviderUuid, string>();
  const hostNames: HostNames = (host) => names.get(host) ?? null;
  const placer = createPlacer({
    services,
    hostNames: names,
    want,
    strategy,
    count: specs.length,
    needsPresence: needsAgents,
    needs: needsOf(options, image),
    refuses: options.refuses,
    onRefusal: (instance, error) => running.emit({ type: 'refused', instance, error }),
  });
  const [named] = await Promise.all([prepare(services, placer, specs), closeSomeBooks(services)]);
  const results = await placeAll(placer, named, {
    guard: running.guard,
    onPlaced: ({ instance, name }, host) => running.emit({ type: 'placed', instance, name, host }),
  });
  running.signal.throwIfAborted();
  performance.mark('cloud:placed');

  const placed = results.filter((result) => result.outcome === 'placed');
  const boots = placed.map(({ spec, record }): BootProgress => ({
    spec,
    record,
    end: undefined,
    otherHosts: [],
  }));
  const waiting = { hostNames: names, boots, timeoutMs: waitMs ?? 0, tellsDownloads };
  const waited = waitMs !== undefined && boots.length > 0 ? await wait(services, waiting, running) : [];
  const errors = [...(await placingErrors(services, want, results)), ...waited];
  return {
    booted: boots.map(({ end, record }) => ({ end, instance: viewOfRecord(record, hostNames) })),
    errors,
  };
};

const wait = async (services: Services, options: WaitForBootOptions, running: Run): Promise<Error[]> => {
  const errors: Error[] = [];
  try {
    await waitForBoot(services, options, running);
  } catch (thrown) {
    running.signal.throwIfAborted();
    errors.push(toError(thrown));
  }
  return [...errors, ...(await explainBoots(services, options))];
};

const placingErrors = async (services: Services, want: Want, results: readonly Placed[]): Promise<Error[]> => {
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
    errors.push(await noHostError({ services, want, dropped, ...counts }).catch(toError));
  }
  return errors;
};
