import type { Capacity } from '@etcd-compute/common/capacity/capacity';
import type { Logger } from '@etcd-compute/common/log';
import type { Snapshot } from '@etcd-compute/common/etcd/messages/snapshot';
import type { Wish } from '@etcd-compute/common/etcd/messages/wish';
import type { DiskUuid, InstanceUuid } from '@etcd-compute/common/ids';
import type { Connection } from '@etcd-compute/libvirt/connection';
import type { AgentConfig } from '../config/config.js';
import type { Disk, DiskPool } from '../disks/disk-pool.js';
import type { GuestSpec } from '../guest-config/guest-spec.js';
import type { ImageCache } from '../images/cache/cache.js';
import type { CachedImage } from '../images/format/cached-image.js';
import type { Lend } from '../libvirt/link.js';
import type { GuestFilter } from '../networks/guest-filter.js';
import type { Nic } from '../networks/nics.js';
import type { GuestNetworks } from '../networks/guest-networks.js';
import type { FrozenGuests } from '../snapshots/frozen-guests.js';
import type { DomainMark } from '../domains/domain.js';

/** What the steps of all instances share. */
export interface StepDeps {
  readonly config: AgentConfig;
  readonly capacity: Pick<Capacity, 'read' | 'reallocate' | 'release' | 'releaseWith' | 'settle' | 'inTurn'>;
  /** For questions. */
  readonly getConnection: () => Connection;
  /** For whatever may take longer. */
  readonly lend: Lend;
  readonly images: ImageCache;
  readonly frozen: FrozenGuests;
  readonly pool: DiskPool;
  readonly networks: GuestNetworks;
  readonly filter: Pick<GuestFilter, 'admit' | 'dismiss'>;
  readonly mark: DomainMark;
  /** The folder of the guests' console logs. */
  readonly consolesDir: string;
  /** The folder of the guests' config drives. */
  readonly configDrivesDir: string;
  readonly virtType: 'kvm' | 'qemu' | 'test';
  /** Whether guests are being started, or wait for their turn. */
  readonly isStarting: () => boolean;
}

export interface MadeDisk extends Disk {
  readonly uuid: DiskUuid;
}

/** What the steps of one run have made so far. A run never starts with a step that needs any of it. */
export interface MadeSoFar {
  image?: CachedImage;
  /** What further disks are made from, when the instance was shelved. */
  copies?: ReadonlyMap<DiskUuid, CachedImage>;
  /** The root disk comes first. */
  disks?: readonly [root: MadeDisk, ...further: MadeDisk[]];
  nics?: readonly Nic[];
  /** The file of the config drive. Missing when the config says that there is none. */
  configDrive?: string;
  snapshot?: Snapshot;
}

export interface StepContext {
  readonly spec: GuestSpec;
  readonly made: MadeSoFar;
  /** What is carried out; none in a build, and for what nobody has asked for. */
  readonly wish?: Wish | null | undefined;
  readonly log: Logger;
  /** Ends the step; to be given to its calls, so that what goes on behind a deadline makes nothing more. */
  readonly signal: AbortSignal;
}

/**
 * How a step runs beside those of other instances:
 *
 *   waiting   on somebody else; ended at once when the boot request changes
 *   quick     calls of the hypervisor, as many at a time as it has threads for; done before the first guests are busy
 *   starting  a process of the hypervisor is made, which takes processors and disks: `builds.parallel` at a time
 *   settling  after the start; waits for other instances, and is ended at once when the boot request changes
 *   copying   takes long, and undoes what it has begun; ended at once when the instance is to be destroyed
 */
export type StepKind = 'waiting' | 'quick' | 'starting' | 'settling' | 'copying';

/**
 * One action of a build. Its `run` can be repeated, after itself and after a crash in its middle; its `undo` can be repeated
 * and needs nothing of the run: it looks at the world. A build runs the steps in order; a delete, and a build that failed, undo
 * all of them, newest first.
 */
export interface Step {
  readonly name: string;
  readonly timeoutSeconds: (config: AgentConfig) => number;
  readonly kind: StepKind;
  /** It needs what the steps before it have made in the same run: cut short in it, a wish goes on with an earlier step. */
  readonly usesMade?: true;
  /** Default: always. */
  readonly isNeeded?: (spec: GuestSpec) => boolean;
  readonly run: (deps: StepDeps, context: StepContext) => Promise<void>;
  readonly undo?: (deps: StepDeps, instance: InstanceUuid, signal?: AbortSignal) => Promise<void>;
  /** Whether something is there that `run` makes and `undo` removes, whoever made it when. */
  readonly isThere?: (deps: StepDeps, instance: InstanceUuid) => Promise<boolean>;
}

/** @throws when an earlier step has not run: a mistake in the list of steps. */
export const needed = <T>(value: T | undefined, what: string): T => {
  if (value === undefined) throw new Error(`${what} is needed from an earlier step`);
  return value;
};
