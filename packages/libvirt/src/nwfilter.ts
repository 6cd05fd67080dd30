import type { CallWait } from './call-wait.js';
import type { DescribedNWFilter, DescribedNWFilterBinding } from './ffi/calls/nwfilter.js';
import type { NWFilterBindingPointer, NWFilterPointer } from './ffi/pointers.js';
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
}

/** A filter as it is on one port of this host, such as `vnet0`. */
export class NWFilterBinding {
  readonly portDev: string;
  readonly #owned: OwnedPointer<NWFilterBindingPointer>;

  /** Made by a `Connection`. */
  constructor(scope: Scope, described: DescribedNWFilterBinding) {
    this.portDev = described.portDev;
    this.#owned = scope.own(described.pointer, 'nwfilterBindingFree', `network filter binding of '${this.portDev}'`);
    scope.freeWhenForgotten(this, this.#owned);
  }

  /** Releases the handle, not the binding. May be repeated. */
  free(): Promise<void> {
    return this.#owned.release();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.free();
  }

  getXMLDesc(flags = 0, wait: CallWait = {}): Promise<string> {
    return this.#owned.call('nwfilterBindingGetXMLDesc', [flags], wait);
  }
}
