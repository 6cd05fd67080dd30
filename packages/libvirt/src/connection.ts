import type { CallWait } from './call-wait.js';
import type { CloseReason, CloseWatch } from './close-watch.js';
import { Domain } from './domain.js';
import type { Subscription } from './event-feed.js';
import { connectionEvents } from './events.js';
import type {
  ConnectionEvents,
  DomainAgentLifecycleEvent,
  DomainLifecycleEvent,
  DomainRebootEvent,
  NetworkLifecycleEvent,
} from './events.js';
import { Network } from './network.js';
import { NWFilter } from './nwfilter.js';
import { orFree, orFreeAll, warnUnfreed } from './scope.js';
import type { Scope } from './scope.js';
import { StoragePool } from './storage-pool.js';
import { StorageVolume } from './storage-volume.js';

export interface NodeInfo {
  readonly model: string;
  readonly memoryKiB: number;
  readonly cpus: number;
  readonly mhz: number;
  readonly nodes: number;
  readonly sockets: number;
  readonly cores: number;
  readonly threads: number;
}

/** An open connection: https://libvirt.org/html/libvirt-libvirt-host.html. Its methods are libvirt's. */
export class Connection {
  readonly uri: string;
  readonly #scope: Scope;
  readonly #watch: CloseWatch;
  readonly #events: ConnectionEvents;
  #closing: Promise<void> | undefined;

  /** Use `connect`. */
  constructor(uri: string, scope: Scope, watch: CloseWatch) {
    this.uri = uri;
    this.#scope = scope;
    this.#watch = watch;
    this.#events = connectionEvents(scope);
  }

  /** True once `close()` was called, the connection was lost, or a call on it took longer than it may. */
  get isClosed(): boolean {
    return this.#closing !== undefined || this.#watch.reason !== undefined;
  }

  /** True when calls go over a wire to a daemon, where they run one after the other: see `line.ts`. */
  get isRemote(): boolean {
    return this.#scope.line.isRemote;
  }

  /** Calls that run, and those that wait for their turn. */
  get callsInFlight(): number {
    return this.#scope.line.calls;
  }

  /** For how long the call that began last has been running, in milliseconds; 0 when none runs. */
  get busyForMs(): number {
    return this.#scope.line.busyForMs;
  }

  /**
   * Ends subscriptions, frees the handles that are still open, and releases the connection. Events of calls that ended
   * before are still told; calls in flight are waited for, but for one that hangs: then the rest is done when that returns. May be
   * repeated; a connection that was lost must be closed too.
   */
  close(): Promise<void> {
    this.#closing ??= this.#endUnlessStuck();
    return this.#closing;
  }

  /** Gives the connection up as if a call on it took longer than it may: because another one to the same daemon did, say. */
  abandon(cause: Error): void {
    this.#scope.line.block(cause);
  }

  async #endUnlessStuck(): Promise<void> {
    const ended = this.#end();
    const stuck = new Promise<void>((resolve) => this.#scope.line.onBlocked(resolve));
    await Promise.race([ended, stuck]);
    if (this.#scope.line.isBlocked) ended.catch(warnUnfreed);
  }

  async #end(): Promise<void> {
    if (this.#scope.closers.size > 0) await this.#scope.runtime.events.flush();
    this.#watch.end('client');
    await this.#scope.releaseAll();
    const released = this.#scope.connection.freed();
    await this.#scope.releaseAll(); // what calls in flight returned meanwhile; later ones are refused by Scope.own
    await released;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Called once, when the connection ends for any reason; gives back what removes the handler. */
  onClose(handler: (reason: CloseReason) => void): () => void {
    return this.#watch.add(handler);
  }

  isAlive(wait: CallWait = {}): Promise<boolean> {
    return this.#scope.connection.call('connectionIsAlive', [], wait);
  }

  /** The daemon's libvirt: 9000000 is 9.0.0. */
  getLibVersion(wait: CallWait = {}): Promise<number> {
    return this.#scope.connection.call('connectionGetLibVersion', [], wait);
  }

  /** The hypervisor's version, in the same form. */
  getVersion(wait: CallWait = {}): Promise<number> {
    return this.#scope.connection.call('connectionGetVersion', [], wait);
  }

  getHostname(wait: CallWait = {}): Promise<string> {
    return this.#scope.connection.call('connectionGetHostname', [], wait);
  }

  /** The driver's name, such as `QEMU` or `TEST`. */
  getType(wait: CallWait = {}): Promise<string> {
    return this.#scope.connection.call('connectionGetType', [], wait);
  }

  async getNodeInfo(wait: CallWait = {}): Promise<NodeInfo> {
    const { memory, ...info } = await this.#scope.connection.call('nodeGetInfo', [], wait);
    return { ...info, memoryKiB: Number(memory) };
  }

  /** How many processors the host has, also those that are off. */
  nodeGetCPUMap(wait: CallWait = {}): Promise<number> {
    return this.#scope.connection.call('nodeGetCPUMap', [], wait);
  }

  getCapabilities(wait: CallWait = {}): Promise<string> {
    return this.#scope.connection.call('connectionGetCapabilities', [], wait);
  }

  // eslint-disable-next-line max-params -- libvirt's own order of parameters
  getDomainCapabilities(
    emulator: string | null,
    arch: string | null,
    machine: string | null,
    virtType: string | null,
    wait: CallWait = {},
  ): Promise<string> {
    return this.#scope.connection.call('getDomainCapabilities', [emulator, arch, machine, virtType], wait);
  }

  /** Defines a domain, or redefines the one with the same uuid (`DomainDefineFlags`). */
  async domainDefineXML(xml: string, flags = 0, wait: CallWait = {}): Promise<Domain> {
    const options = orFree(this.#scope, 'domainFree', wait);
    return new Domain(this.#scope, await this.#scope.connection.call('domainDefineXML', [xml, flags], options));
  }

  /** Starts a domain that is gone once it stops (`DomainCreateFlags`). */
  async domainCreateXML(xml: string, flags = 0, wait: CallWait = {}): Promise<Domain> {
    const options = orFree(this.#scope, 'domainFree', wait);
    return new Domain(this.#scope, await this.#scope.connection.call('domainCreateXML', [xml, flags], options));
  }

  /** Throws `VIR_ERR_NO_DOMAIN` when there is none; so does the next. */
  async domainLookupByUUID(uuid: string, wait: CallWait = {}): Promise<Domain> {
    const options = orFree(this.#scope, 'domainFree', wait);
    return new Domain(this.#scope, await this.#scope.connection.call('domainLookupByUUID', [uuid], options));
  }

  async domainLookupByName(name: string, wait: CallWait = {}): Promise<Domain> {
    const options = orFree(this.#scope, 'domainFree', wait);
    return new Domain(this.#scope, await this.#scope.connection.call('domainLookupByName', [name], options));
  }

  /** All domains, or those that `ListAllDomainsFlags` choose. */
  async listAllDomains(flags = 0, wait: CallWait = {}): Promise<Domain[]> {
    const options = orFreeAll(this.#scope, 'domainFree', wait);
    const domains = await this.#scope.connection.call('listAllDomains', [flags], options);
    return domains.map((domain) => new Domain(this.#scope, domain));
  }

  async networkDefineXML(xml: string, wait: CallWait = {}): Promise<Network> {
    const options = orFree(this.#scope, 'networkFree', wait);
    return new Network(this.#scope, await this.#scope.connection.call('networkDefineXML', [xml], options));
  }

  /** Starts a network that is gone once it stops. */
  async networkCreateXML(xml: string, wait: CallWait = {}): Promise<Network> {
    const options = orFree(this.#scope, 'networkFree', wait);
    return new Network(this.#scope, await this.#scope.connection.call('networkCreateXML', [xml], options));
  }

  /** Throws `VIR_ERR_NO_NETWORK` when there is none; so does the next. */
  async networkLookupByName(name: string, wait: CallWait = {}): Promise<Network> {
    const options = orFree(this.#scope, 'networkFree', wait);
    return new Network(this.#scope, await this.#scope.connection.call('networkLookupByName', [name], options));
  }

  async networkLookupByUUID(uuid: string, wait: CallWait = {}): Promise<Network> {
    const options = orFree(this.#scope, 'networkFree', wait);
    return new Network(this.#scope, await this.#scope.connection.call('networkLookupByUUID', [uuid], options));
  }

  /** All networks, or those that `ListAllNetworksFlags` choose. */
  async listAllNetworks(flags = 0, wait: CallWait = {}): Promise<Network[]> {
    const options = orFreeAll(this.#scope, 'networkFree', wait);
    const networks = await this.#scope.connection.call('listAllNetworks', [flags], options);
    return networks.map((network) => new Network(this.#scope, network));
  }

  /** Throws `VIR_ERR_NO_NWFILTER`. */
  async nwfilterLookupByName(name: string, wait: CallWait = {}): Promise<NWFilter> {
    const options = orFree(this.#scope, 'nwfilterFree', wait);
    return new NWFilter(this.#scope, await this.#scope.connection.call('nwfilterLookupByName', [name], options));
  }

  async storagePoolDefineXML(xml: string, flags = 0, wait: CallWait = {}): Promise<StoragePool> {
    const options = orFree(this.#scope, 'storagePoolFree', wait);
    return new StoragePool(
      this.#scope,
      await this.#scope.connection.call('storagePoolDefineXML', [xml, flags], options),
    );
  }

  /** Starts a pool that is gone once it stops (`StoragePoolCreateFlags`). */
  async storagePoolCreateXML(xml: string, flags = 0, wait: CallWait = {}): Promise<StoragePool> {
    const options = orFree(this.#scope, 'storagePoolFree', wait);
    return new StoragePool(
      this.#scope,
      await this.#scope.connection.call('storagePoolCreateXML', [xml, flags], options),
    );
  }

  /** Throws `VIR_ERR_NO_STORAGE_POOL` when there is none; so does the next. */
  async storagePoolLookupByName(name: string, wait: CallWait = {}): Promise<StoragePool> {
    const options = orFree(this.#scope, 'storagePoolFree', wait);
    return new StoragePool(this.#scope, await this.#scope.connection.call('storagePoolLookupByName', [name], options));
  }

  async storagePoolLookupByUUID(uuid: string, wait: CallWait = {}): Promise<StoragePool> {
    const options = orFree(this.#scope, 'storagePoolFree', wait);
    return new StoragePool(this.#scope, await this.#scope.connection.call('storagePoolLookupByUUID', [uuid], options));
  }

  /** All pools, or those that `ListAllStoragePoolsFlags` choose. */
  async listAllStoragePools(flags = 0, wait: CallWait = {}): Promise<StoragePool[]> {
    const options = orFreeAll(this.#scope, 'storagePoolFree', wait);
    const pools = await this.#scope.connection.call('listAllStoragePools', [flags], options);
    return pools.map((pool) => new StoragePool(this.#scope, pool));
  }

  /** Throws `VIR_ERR_NO_STORAGE_VOL` when no active pool holds it. */
  async storageVolLookupByPath(path: string, wait: CallWait = {}): Promise<StorageVolume> {
    const options = orFree(this.#scope, 'storageVolFree', wait);
    return new StorageVolume(this.#scope, await this.#scope.connection.call('storageVolLookupByPath', [path], options));
  }

  /** Events are hints, and may be lost with a connection: after a reconnect, subscribe and list again. */
  onDomainLifecycle(handler: (event: DomainLifecycleEvent) => void): Promise<Subscription> {
    return this.#events.domainLifecycle.subscribe(handler);
  }

  onDomainReboot(handler: (event: DomainRebootEvent) => void): Promise<Subscription> {
    return this.#events.domainReboot.subscribe(handler);
  }

  /** The guest's agent came or went: it may be asked, or no more. */
  onDomainAgentLifecycle(handler: (event: DomainAgentLifecycleEvent) => void): Promise<Subscription> {
    return this.#events.domainAgentLifecycle.subscribe(handler);
  }

  onNetworkLifecycle(handler: (event: NetworkLifecycleEvent) => void): Promise<Subscription> {
    return this.#events.networkLifecycle.subscribe(handler);
  }
}
