import type { ProviderUuid } from '@etcd-compute/common/ids';
import type { Connection } from '@etcd-compute/libvirt/connection';
import type { AgentConfig } from '../config/config.js';
import type { DiskPool } from '../disks/disk-pool.js';
import type { ImageCache } from '../images/cache/cache.js';
import type { Lend } from '../libvirt/link.js';
import type { FrozenGuests } from './frozen-guests.js';

/** What taking a snapshot needs of the agent. */
export interface SnapshotDeps {
  readonly config: Pick<AgentConfig, 'timeouts'>;
  readonly getConnection: () => Connection;
  readonly lend: Lend;
  readonly images: ImageCache;
  readonly frozen: FrozenGuests;
  readonly pool: DiskPool;
  readonly virtType: 'kvm' | 'qemu' | 'test';
  readonly mark: { readonly host: ProviderUuid };
}
