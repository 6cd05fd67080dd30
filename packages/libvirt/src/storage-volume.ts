import type { CallWait } from './call-wait.js';
import type { DescribedStorageVolume } from './ffi/calls/storage-volume.js';
import type { StorageVolumePointer } from './ffi/pointers.js';
import type { OwnedPointer } from './owned-pointer.js';
import type { Scope } from './scope.js';
import { download, upload } from './stream.js';
import type { TransferOptions } from './stream.js';

export type { TransferOptions } from './stream.js';

export type StorageVolumeType = 'file' | 'block' | 'dir' | 'network' | 'netdir' | 'ploop';

/** virStorageVolType. */
const TYPES: readonly StorageVolumeType[] = ['file', 'block', 'dir', 'network', 'netdir', 'ploop'];

export interface StorageVolumeInfo {
  readonly type: StorageVolumeType;
  readonly capacityBytes: bigint;
  readonly allocationBytes: bigint;
}

/** A volume of a storage pool: https://libvirt.org/html/libvirt-libvirt-storage.html */
export class StorageVolume {
  readonly name: string;
  readonly key: string;
  readonly path: string;
  readonly #owned: OwnedPointer<StorageVolumePointer>;
  readonly #scope: Scope;

  /** Made by a `StoragePool` or a `Connection`. */
  constructor(scope: Scope, described: DescribedStorageVolume) {
    this.name = described.name;
    this.key = described.key;
    this.path = described.path;
    this.#scope = scope;
    this.#owned = scope.own(described.pointer, 'storageVolFree', `storage volume '${this.name}' (${this.path})`);
    scope.freeWhenForgotten(this, this.#owned);
  }

  /** Releases the handle, not the volume. May be repeated. */
  free(): Promise<void> {
    return this.#owned.release();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.free();
  }

  async getInfo(wait: CallWait = {}): Promise<StorageVolumeInfo> {
    const info = await this.#owned.call('storageVolGetInfo', [], wait);
    return {
      type: TYPES[info.type] ?? 'file',
      capacityBytes: BigInt(info.capacity),
      allocationBytes: BigInt(info.allocation),
    };
  }

  getXMLDesc(wait: CallWait = {}): Promise<string> {
    return this.#owned.call('storageVolGetXMLDesc', [], wait);
  }

  /** Changes the capacity (`StorageVolumeResizeFlags`). */
  async resize(capacityBytes: bigint, flags = 0, wait: CallWait = {}): Promise<void> {
    await this.#owned.call('storageVolResize', [capacityBytes, flags], wait);
  }

  /** Fills the volume. What an abort or a failure leaves behind is a volume with part of the source. */
  upload(source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>, options: TransferOptions = {}): Promise<void> {
    return upload({ scope: this.#scope, volume: this.#owned }, source, options);
  }

  /** Reads the volume in chunks. Leaving the loop early ends the transfer. */
  download(options: TransferOptions = {}): AsyncGenerator<Uint8Array, void, undefined> {
    return download({ scope: this.#scope, volume: this.#owned }, options);
  }

  /** Deletes the volume and what it holds (`StorageVolumeDeleteFlags`). */
  async delete(flags = 0, wait: CallWait = {}): Promise<void> {
    await this.#owned.call('storageVolDelete', [flags], wait);
  }
}
