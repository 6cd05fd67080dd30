import type { Images } from '../image/images.js';
import type { HostView } from '@etcd-compute/cloud/hosts/view';
import type { Usage } from './usage.js';
import type { Servers } from './servers/servers.js';
import type { ComputeStore } from './state/compute-store.js';

/** What the routes of compute work with. */
export interface Compute {
  readonly store: ComputeStore;
  readonly now: () => number;
  /** Of the image service. */
  readonly images: Images;
  readonly hasProject: (id: string) => boolean;
  /** Ids of the servers in a group. */
  readonly membersOf: (group: string) => readonly string[];
  /** All hosts, by name. */
  readonly hosts: () => Promise<readonly HostView[]>;
  readonly servers: Servers;
  readonly usageOf: (project: string) => Promise<Usage>;
  /** What links in answers begin with: the URL of version 2.1. */
  readonly url: string;
}
