import type { CallWait } from './call-wait.js';
import type { DescribedNWFilter } from './ffi/calls/nwfilter.js';
import type { NWFilterPointer } from './ffi/pointers.js';
import type { OwnedPointer } from './owned-pointer.js';
import type { Scope } from './scope.js';

/** A network filter of an open connection: https://libvirt.org/html/libvirt-libvirt-nwfilter.html */
export class NWFilter {
  readonly uuid: string;
  readonly name: string;
  readonly #owned: OwnedPointer<NWFilterPointer>;

  /** Made by a `Connection`. */
  constructor(scope: Scope, described: DescribedNWFilter) {
    this.uuid = described.uuid;
    this.name = described.name;
    this.#owned = scope.own(described.pointer, 'nwfilterFree', `network filter '${this.name}' (${this.uuid})`);
    scope.freeWhenForgotten(this, this.#owned);
  }

  /** Releases the handle, not the filter. May be repeated. */
  free(): Promise<void> {
    return this.#owned.release();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.free();
  }

  /** Forgets the filter. Throws `VIR_ERR_OPERATION_INVALID` while a guest has it. */
  async undefine(wait: CallWait = {}): Promise<void> {
    await this.#owned.call('nwfilterUndefine', [], wait);
  }
}
