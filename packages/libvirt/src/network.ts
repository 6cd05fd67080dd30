import type { CallWait } from './call-wait.js';
import type { DescribedNetwork } from './ffi/calls/network.js';
import type { NetworkPointer } from './ffi/pointers.js';
import { ipFamily } from './ip-family.js';
import type { IpFamily } from './ip-family.js';
import type { OwnedPointer } from './owned-pointer.js';
import type { Scope } from './scope.js';

export type { IpFamily } from './ip-family.js';

/** One lease of a network's DHCP server. */
export interface DhcpLease {
  readonly mac: string;
  readonly address: string;
  readonly prefix: number;
  readonly family: IpFamily;
  /** The name that the guest gave, if any. */
  readonly hostname: string | null;
  readonly iaid: string | null;
  /** Unix time in seconds; 0 means never. */
  readonly expiryTime: number;
  /** The host's interface that serves it, such as `virbr0`. */
  readonly interface: string;
  readonly clientId: string | null;
}

/** A virtual network of an open connection: https://libvirt.org/html/libvirt-libvirt-network.html */
export class Network {
  readonly uuid: string;
  readonly name: string;
  readonly #owned: OwnedPointer<NetworkPointer>;

  /** Made by a `Connection`. */
  constructor(scope: Scope, described: DescribedNetwork) {
    this.uuid = described.uuid;
    this.name = described.name;
    this.#owned = scope.own(described.pointer, 'networkFree', `network '${this.name}' (${this.uuid})`);
    scope.freeWhenForgotten(this, this.#owned);
  }

  /** Releases the handle, not the network. May be repeated. */
  free(): Promise<void> {
    return this.#owned.release();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.free();
  }

  /** Starts a defined network. */
  async create(wait: CallWait = {}): Promise<void> {
    await this.#owned.call('networkCreate', [], wait);
  }

  /** Stops it. */
  async destroy(wait: CallWait = {}): Promise<void> {
    await this.#owned.call('networkDestroy', [], wait);
  }

  /** Forgets the definition. */
  async undefine(wait: CallWait = {}): Promise<void> {
    await this.#owned.call('networkUndefine', [], wait);
  }

  isActive(wait: CallWait = {}): Promise<boolean> {
    return this.#owned.call('networkIsActive', [], wait);
  }

  isPersistent(wait: CallWait = {}): Promise<boolean> {
    return this.#owned.call('networkIsPersistent', [], wait);
  }

  async setAutostart(autostart: boolean, wait: CallWait = {}): Promise<void> {
    await this.#owned.call('networkSetAutostart', [autostart], wait);
  }

  getAutostart(wait: CallWait = {}): Promise<boolean> {
    return this.#owned.call('networkGetAutostart', [], wait);
  }

  getXMLDesc(flags = 0, wait: CallWait = {}): Promise<string> {
    return this.#owned.call('networkGetXMLDesc', [flags], wait);
  }

  getBridgeName(wait: CallWait = {}): Promise<string> {
    return this.#owned.call('networkGetBridgeName', [], wait);
  }

  /** Changes one part (`NetworkUpdateCommand`, `NetworkSection`) in place; `parentIndex` -1 lets libvirt find it. */
  // eslint-disable-next-line max-params -- libvirt's own order of parameters
  async update(
    command: number,
    section: number,
    parentIndex: number,
    xml: string,
    flags = 0,
    wait: CallWait = {},
  ): Promise<void> {
    await this.#owned.call('networkUpdate', [command, section, parentIndex, xml, flags], wait);
  }

  /** The leases, of one MAC address or (null) of all. */
  async getDHCPLeases(mac: string | null, wait: CallWait = {}): Promise<DhcpLease[]> {
    const leases = await this.#owned.call('networkGetDHCPLeases', [mac], wait);
    return leases.map((lease) => ({
      mac: lease.mac ?? '',
      address: lease.ipaddr ?? '',
      prefix: lease.prefix,
      family: ipFamily(lease.type),
      hostname: lease.hostname,
      iaid: lease.iaid,
      expiryTime: Number(lease.expirytime),
      interface: lease.iface ?? '',
      clientId: lease.clientid,
    }));
  }
}
