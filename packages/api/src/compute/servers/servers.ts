import type { Services } from '@etcd-compute/cloud/services';
import type { SnapshotSource } from '@etcd-compute/common/etcd/messages/snapshot';
import type { Logger } from '@etcd-compute/common/log';
import type { Caller } from '../../http/caller.js';
import type { SnapshotImage } from '../../image/engine/snapshot-image.js';
import type { NetworkView } from '../../network/engine/networks.js';
import type { Consoles } from './consoles/consoles.js';
import type { Limits } from './engine/quota.js';
import type { OwnFlavor } from './state/server-record.js';
import type { ServerStore } from './state/server-store.js';

/** An image as servers are made from it. */
export interface BootImage {
  /** As it stands in a boot request. */
  readonly image: string;
  readonly source?: SnapshotSource;
  readonly minDiskGiB: number;
  readonly minRamMiB: number;
  /** Of the disk that it holds. */
  readonly virtualSizeBytes: number;
}

export interface ServerGroup {
  readonly id: string;
  readonly policy: string;
  /** Of anti-affinity. */
  readonly maxPerHost: number;
  /** How many servers it may have; -1: any number. */
  readonly maxMembers: number;
}

/** What the routes of servers work with. */
export interface Servers {
  readonly store: ServerStore;
  /** The cloud, as used on behalf of somebody. */
  readonly servicesFor: (owner: { readonly project: string; readonly user: string }) => Services;
  /** @throws HttpError 404 when there is none that the caller may use. */
  readonly flavorOf: (id: string, caller: Caller) => OwnFlavor;
  /** @throws HttpError 400 when there is none that the caller may use. */
  readonly imageOf: (id: string, caller: Caller) => Promise<BootImage>;
  /** Writes the record of an image that a snapshot is to become. @returns what the snapshot is to be called. */
  readonly saveImage: (image: SnapshotImage) => Promise<{ readonly snapshotName: string }>;
  /** The public key of a keypair; undefined when the user has none such. */
  readonly keyOf: (user: string, name: string) => string | undefined;
  readonly groupOf: (id: string, project: string) => ServerGroup | undefined;
  readonly consoles: Consoles;
  readonly networkView: () => NetworkView;
  readonly limitsOf: (project: string) => Limits;
  /** What people call a host; null when its agent is not there. */
  readonly hostnameOf: (host: string) => string | null;
  readonly zones: {
    readonly of: (hostname: string) => string;
    readonly has: (zone: string) => boolean;
  };
  /** What links in answers begin with: the URL of version 2.1. */
  readonly url: string;
  readonly log: Logger;
  /** A request at a time places servers of a project: else they would be in each other's way. */
  readonly inTurn: <T>(project: string, run: () => Promise<T>) => Promise<T>;
}
