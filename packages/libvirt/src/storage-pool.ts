import type { CallWait } from './call-wait.js';
import type { DescribedStoragePool } from './ffi/calls/storage-pool.js';
import type { StoragePoolPointer } from './ffi/pointers.js';
import type { OwnedPointer } from './owned-pointer.js';
import { orFree, orFreeAll } from './scope.js';
import type { Scope } from './scope.js';
import { StorageVolume } from './storage-volume.js';

export type StoragePoolState = 'inactive' | 'building' | 'running' | 'degraded' | 'inaccessible';

/** virStoragePoolState. */
const STATES: readonly StoragePoolState[] = ['inactive', 'building', 'running', 'degraded', 'inaccessible'];

export interface StoragePoolInfo {
  readonly state: StoragePoolState;
  readonly capacityBytes: bigint;
  readonly allocationBytes: bigint;
  readonly availableBytes: bigint;
}

/** A storage pool of an open connection: https://libvirt.org/html/libvirt-libvirt-storage.html */
export class StoragePool {
  readonly uuid: string;
  readonly name: string;
  readonly #owned: OwnedPointer<StoragePoolPointer>;
  readonly #scope: Scope;

  /** Made by a `Connection`. */
  constructor(scope: Scope, described: DescribedStoragePool) {
    this.uuid = described.uuid;
    this.name = described.name;
    this.#scope = scope;
    this.#owned = scope.own(described.pointer, 'storagePoolFree', `storage pool '${this.name}' (${this.uuid})`);
    scope.freeWhenForgotten(this, this.#owned);
  }

  /** Releases the handle, not the pool. May be repeated. */
  free(): Promise<void> {
    return this.#owned.release();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.free();
  }

  /** Starts a defined pool (`StoragePoolCreateFlags`). */
  async create(flags = 0, wait: CallWait = {}): Promise<void> {
    await this.#owned.call('storagePoolCreate', [flags], wait);
  }

  /** Makes the storage behind it (`StoragePoolBuildFlags`): the directory, for a pool of type dir. */
  async build(flags = 0, wait: CallWait = {}): Promise<void> {
    await this.#owned.call('storagePoolBuild', [flags], wait);
  }

  /** Stops it; what it holds stays. */
  async destroy(wait: CallWait = {}): Promise<void> {
    await this.#owned.call('storagePoolDestroy', [], wait);
  }

  /** Deletes the storage behind a stopped pool (`StoragePoolDeleteFlags`). */
  async delete(flags = 0, wait: CallWait = {}): Promise<void> {
    await this.#owned.call('storagePoolDelete', [flags], wait);
  }

  /** Forgets the definition. */
  async undefine(wait: CallWait = {}): Promise<void> {
    await this.#owned.call('storagePoolUndefine', [], wait);
  }

  /** Looks for volumes again; libvirt does not notice files that others made. */
  async refresh(wait: CallWait = {}): Promise<void> {
    await this.#owned.call('storagePoolRefresh', [], wait);
  }

  isActive(wait: CallWait = {}): Promise<boolean> {
    return this.#owned.call('storagePoolIsActive', [], wait);
  }

  isPersistent(wait: CallWait = {}): Promise<boolean> {
    return this.#owned.call('storagePoolIsPersistent', [], wait);
  }

  async setAutostart(autostart: boolean, wait: CallWait = {}): Promise<void> {
    await this.#owned.call('storagePoolSetAutostart', [autostart], wait);
  }

  getAutostart(wait: CallWait = {}): Promise<boolean> {
    return this.#owned.call('storagePoolGetAutostart', [], wait);
  }

  getXMLDesc(flags = 0, wait: CallWait = {}): Promise<string> {
    return this.#owned.call('storagePoolGetXMLDesc', [flags], wait);
  }

  async getInfo(wait: CallWait = {}): Promise<StoragePoolInfo> {
    const info = await this.#owned.call('storagePoolGetInfo', [], wait);
    return {
      state: STATES[info.state] ?? 'inaccessible',
      capacityBytes: BigInt(info.capacity),
      allocationBytes: BigInt(info.allocation),
      availableBytes: BigInt(info.available),
    };
  }

  /** Makes a volume from its XML (`StorageVolumeCreateFlags`). */
  async createVolume(xml: string, flags = 0, wait: CallWait = {}): Promise<StorageVolume> {
    const options = orFree(this.#scope, 'storageVolFree', wait);
    return new StorageVolume(this.#scope, await this.#owned.call('storageVolCreateXML', [xml, flags], options));
  }

  /** Throws `VIR_ERR_NO_STORAGE_VOL` when there is none. */
  async lookupVolume(name: string, wait: CallWait = {}): Promise<StorageVolume> {
    const options = orFree(this.#scope, 'storageVolFree', wait);
    return new StorageVolume(this.#scope, await this.#owned.call('storageVolLookupByName', [name], options));
  }

  async listAllVolumes(wait: CallWait = {}): Promise<StorageVolume[]> {
    const options = orFreeAll(this.#scope, 'storageVolFree', wait);
    const volumes = await this.#owned.call('listAllVolumes', [0], options);
    return volumes.map((volume) => new StorageVolume(this.#scope, volume));
  }
}
