import type { Duplex } from 'node:stream';
import type { CallWait } from './call-wait.js';
import { openConsole } from './console-stream.js';
import { diskErrorName, domainControlStateName, domainJobTypeName, domainStateName } from './domain-names.js';
import type { DiskError, DomainControlState, DomainJobType, DomainState } from './domain-names.js';
import type { DescribedDomain } from './ffi/calls/domain.js';
import type { TypedParameters } from './ffi/calls/domain-backup.js';
import type { DomainPointer } from './ffi/pointers.js';
import { interfaceAddresses } from './interface-addresses.js';
import type { AddressLimits, AddressSource, DomainInterface } from './interface-addresses.js';
import type { OwnedPointer } from './owned-pointer.js';
import type { Scope } from './scope.js';

export type { DiskError, DomainControlState, DomainJobType, DomainState } from './domain-names.js';
export type { AddressLimits, AddressSource, DomainInterface } from './interface-addresses.js';

export interface DomainInfo {
  readonly state: DomainState;
  readonly maxMemoryKiB: number;
  readonly memoryKiB: number;
  readonly vcpus: number;
  readonly cpuTimeNs: bigint;
}

export interface DomainControlInfo {
  /** `occupied`: the hypervisor process has not answered yet; `job`: a long task, such as a migration, is under way. */
  readonly state: DomainControlState;
  /** For how long, in milliseconds. */
  readonly stateTimeMs: number;
}

export interface DomainJobStats {
  readonly type: DomainJobType;
  /** By libvirt's name (`VIR_DOMAIN_JOB_*`), such as `disk_processed` or `errmsg`. */
  readonly params: TypedParameters;
}

/**
 * A domain of an open connection: https://libvirt.org/html/libvirt-libvirt-domain.html
 *
 * The methods are libvirt's, in its order of parameters. Each throws `LibvirtError`, or `ReleasedError` after `free()`
 * or after the connection's `close()`. `uuid` and `name` were read with the object and need no call.
 */
export class Domain {
  readonly uuid: string;
  readonly name: string;
  readonly #owned: OwnedPointer<DomainPointer>;
  readonly #scope: Scope;

  /** Made by a `Connection`. */
  constructor(scope: Scope, described: DescribedDomain) {
    this.uuid = described.uuid;
    this.name = described.name;
    this.#scope = scope;
    this.#owned = scope.own(described.pointer, 'domainFree', `domain '${this.name}' (${this.uuid})`);
    scope.freeWhenForgotten(this, this.#owned);
  }

  /** Releases the handle, not the domain. May be repeated. */
  free(): Promise<void> {
    return this.#owned.release();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.free();
  }

  /** Starts a defined domain (`DomainCreateFlags`). */
  async create(flags = 0, wait: CallWait = {}): Promise<void> {
    await this.#owned.call('domainCreate', [flags], wait);
  }

  /** Stops it hard (`DomainDestroyFlags`). A transient domain is gone after that. */
  async destroy(flags = 0, wait: CallWait = {}): Promise<void> {
    await this.#owned.call('domainDestroy', [flags], wait);
  }

  /** Asks the guest to power off (`DomainShutdownFlags`); the `stopped` event says when it has. */
  async shutdown(flags = 0, wait: CallWait = {}): Promise<void> {
    await this.#owned.call('domainShutdown', [flags], wait);
  }

  /** Asks the guest to reboot (`DomainRebootFlags`). */
  async reboot(flags = 0, wait: CallWait = {}): Promise<void> {
    await this.#owned.call('domainReboot', [flags], wait);
  }

  /** Presses the reset button. */
  async reset(wait: CallWait = {}): Promise<void> {
    await this.#owned.call('domainReset', [], wait);
  }

  async suspend(wait: CallWait = {}): Promise<void> {
    await this.#owned.call('domainSuspend', [], wait);
  }

  async resume(wait: CallWait = {}): Promise<void> {
    await this.#owned.call('domainResume', [], wait);
  }

  /** Writes the guest's memory to a file of libvirt's, and stops it. The next `create` goes on from there. */
  async managedSave(flags = 0, wait: CallWait = {}): Promise<void> {
    await this.#owned.call('domainManagedSave', [flags], wait);
  }

  hasManagedSaveImage(wait: CallWait = {}): Promise<boolean> {
    return this.#owned.call('domainHasManagedSaveImage', [], wait);
  }

  /** The next `create` boots anew. */
  async managedSaveRemove(wait: CallWait = {}): Promise<void> {
    await this.#owned.call('domainManagedSaveRemove', [], wait);
  }

  /** Forgets the definition (`DomainUndefineFlags`). A running domain goes on, as a transient one. */
  async undefineFlags(flags: number, wait: CallWait = {}): Promise<void> {
    await this.#owned.call('domainUndefineFlags', [flags], wait);
  }

  /** Gives it one more device, while it runs or in its definition (`DomainModificationImpact`): `renderDevice`. */
  async attachDeviceFlags(xml: string, flags: number, wait: CallWait = {}): Promise<void> {
    await this.#owned.call('domainAttachDevice', [xml, flags], wait);
  }

  /**
   * Takes a device from it, found by what tells it from others: a disk by its target, an interface by its MAC. A running guest has to let it go:
   * when it takes its time, or never does, the device is still in its XML after the call. Throws `VIR_ERR_DEVICE_MISSING` when it has none.
   */
  async detachDeviceFlags(xml: string, flags: number, wait: CallWait = {}): Promise<void> {
    await this.#owned.call('domainDetachDevice', [xml, flags], wait);
  }

  /** Changes a device that it has, found by what tells it from others, such as a MAC (`DomainModificationImpact`). */
  async updateDeviceFlags(xml: string, flags: number, wait: CallWait = {}): Promise<void> {
    await this.#owned.call('domainUpdateDevice', [xml, flags], wait);
  }

  /** The state and why it is so, such as `shutoff` because of `destroyed`. */
  async getState(wait: CallWait = {}): Promise<{ state: DomainState; reason: string }> {
    const { state, reason } = await this.#owned.call('domainGetState', [], wait);
    return domainStateName(state, reason);
  }

  /** The disks (`vda`) that had an error since the guest ran last: of a guest that was `paused` because of `ioerror`, why. */
  async getDiskErrors(wait: CallWait = {}): Promise<{ disk: string; error: DiskError }[]> {
    const errors = await this.#owned.call('domainGetDiskErrors', [], wait);
    return errors.map(({ disk, error }) => ({ disk, error: diskErrorName(error) }));
  }

  async getInfo(wait: CallWait = {}): Promise<DomainInfo> {
    const info = await this.#owned.call('domainGetInfo', [], wait);
    return {
      state: domainStateName(info.state, 0).state,
      maxMemoryKiB: Number(info.maxMem),
      memoryKiB: Number(info.memory),
      vcpus: info.nrVirtCpu,
      cpuTimeNs: BigInt(info.cpuTime),
    };
  }

  /** Whether its hypervisor process may be asked something, without asking it. Throws `VIR_ERR_OPERATION_INVALID` when it does not run. */
  async getControlInfo(wait: CallWait = {}): Promise<DomainControlInfo> {
    const { state, stateTime } = await this.#owned.call('domainGetControlInfo', [], wait);
    return { state: domainControlStateName(state), stateTimeMs: Number(stateTime) };
  }

  /** The definition, or the running state (`DomainXMLFlags`). */
  getXMLDesc(flags = 0, wait: CallWait = {}): Promise<string> {
    return this.#owned.call('domainGetXMLDesc', [flags], wait);
  }

  isActive(wait: CallWait = {}): Promise<boolean> {
    return this.#owned.call('domainIsActive', [], wait);
  }

  isPersistent(wait: CallWait = {}): Promise<boolean> {
    return this.#owned.call('domainIsPersistent', [], wait);
  }

  async setAutostart(autostart: boolean, wait: CallWait = {}): Promise<void> {
    await this.#owned.call('domainSetAutostart', [autostart], wait);
  }

  getAutostart(wait: CallWait = {}): Promise<boolean> {
    return this.#owned.call('domainGetAutostart', [], wait);
  }

  /** The number of a running domain; null while it does not run. */
  getID(wait: CallWait = {}): Promise<number | null> {
    return this.#owned.call('domainGetID', [], wait);
  }

  /** Sets (or, with null, removes) a description, a title or an XML element of our own (`DomainMetadataType`). */
  // eslint-disable-next-line max-params -- libvirt's own order of parameters
  async setMetadata(
    type: number,
    metadata: string | null,
    key: string | null,
    uri: string | null,
    flags = 0,
    wait: CallWait = {},
  ): Promise<void> {
    await this.#owned.call('domainSetMetadata', [type, metadata, key, uri, flags], wait);
  }

  /** Throws `VIR_ERR_NO_DOMAIN_METADATA` when there is none. */
  // eslint-disable-next-line max-params -- libvirt's own order of parameters
  getMetadata(type: number, uri: string | null, flags = 0, wait: CallWait = {}): Promise<string> {
    return this.#owned.call('domainGetMetadata', [type, uri, flags], wait);
  }

  /** The guest's addresses, as the DHCP server, the guest's agent or the host's ARP table knows them. */
  async interfaceAddresses(
    source: AddressSource,
    limits: AddressLimits = {},
    wait: CallWait = {},
  ): Promise<DomainInterface[]> {
    return interfaceAddresses(this.#owned, { ...limits, source }, wait);
  }

  /**
   * How many seconds a guest agent may take to answer, for all who ask it (`DomainAgentResponseTimeout`). libvirt's own is to wait for
   * ever. Since libvirt 5.10.
   */
  async agentSetResponseTimeout(timeout: number, wait: CallWait = {}): Promise<void> {
    await this.#owned.call('domainAgentSetResponseTimeout', [timeout], wait);
  }

  /** Has the guest's agent freeze all its file systems. Gives how many. */
  fsFreeze(wait: CallWait = {}): Promise<number> {
    return this.#owned.call('domainFSFreeze', [], wait);
  }

  /** Undoes `fsFreeze`. Gives how many file systems were frozen. */
  fsThaw(wait: CallWait = {}): Promise<number> {
    return this.#owned.call('domainFSThaw', [], wait);
  }

  /**
   * Begins to copy disks as they are now, while the guest goes on (`DomainBackupBeginFlags`); `getJobStats` tells when it is done.
   * Since libvirt 6.0.
   */
  // eslint-disable-next-line max-params -- libvirt's own order of parameters
  async backupBegin(backupXML: string, checkpointXML: string | null, flags = 0, wait: CallWait = {}): Promise<void> {
    await this.#owned.call('domainBackupBegin', [backupXML, checkpointXML, flags], wait);
  }

  /** The backup that is under way. Throws `VIR_ERR_NO_DOMAIN_BACKUP` when there is none. */
  backupGetXMLDesc(wait: CallWait = {}): Promise<string> {
    return this.#owned.call('domainBackupGetXMLDesc', [], wait);
  }

  /** The job under way, or with `DomainGetJobStatsFlags.COMPLETED` the last one that ended. */
  async getJobStats(flags = 0, wait: CallWait = {}): Promise<DomainJobStats> {
    const { type, params } = await this.#owned.call('domainGetJobStats', [flags], wait);
    return { type: domainJobTypeName(type), params };
  }

  /** Ends the job under way. Throws `VIR_ERR_OPERATION_INVALID` when there is none. */
  async abortJob(wait: CallWait = {}): Promise<void> {
    await this.#owned.call('domainAbortJob', [], wait);
  }

  /**
   * The guest's console (null: the first one; `DomainConsoleFlags`), for reading and writing. `destroy()` it in the
   * end; it ends with the connection in any case.
   */
  openConsole(deviceName: string | null, flags = 0, wait: CallWait = {}): Promise<Duplex> {
    return openConsole(this.#scope, this.#owned, { ...wait, deviceName, flags });
  }
}
