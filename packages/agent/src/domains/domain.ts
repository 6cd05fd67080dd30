import type { InstanceUuid, ProviderUuid } from '@etcd-compute/common/ids';
import type { CallWait, Connection } from '@etcd-compute/libvirt/connection';
import type { DiskError, Domain } from '@etcd-compute/libvirt/domain';
import {
  DomainDestroyFlags,
  DomainMetadataType,
  DomainShutdownFlags,
  DomainUndefineFlags,
} from '@etcd-compute/libvirt/constants';
import { isLibvirtError } from '@etcd-compute/libvirt/errors';
import { parseMetadataValues, type MetadataElement } from '@etcd-compute/libvirt/xml/metadata';

/** What a domain is to an instance. `saved`: it is off, and its memory is in a file. `foreign`: it has the instance's uuid, but is not ours. */
export type DomainState = 'absent' | 'running' | 'paused' | 'saved' | 'shut-off' | 'crashed' | 'foreign';

/** A domain of ours is defined. */
export const isThere = (domain: DomainState): boolean => domain !== 'absent' && domain !== 'foreign';

/** A domain of ours has a process. */
export const isUp = (domain: DomainState): boolean => domain === 'running' || domain === 'paused';

/** Must never change: running domains have it. */
const NAMESPACE = 'urn:etcd-compute:instance:1';
const ELEMENT = 'instance';

/** Who made a domain. `stateDir` tells a host that lost its uuid from another agent on the same libvirt. */
export interface DomainMark {
  readonly host: ProviderUuid;
  readonly stateDir: string;
}

export const renderMark = ({ host, stateDir }: DomainMark): MetadataElement => ({
  uri: NAMESPACE,
  prefix: 'ecompute',
  name: ELEMENT,
  values: { host, 'state-dir': stateDir },
});

/** Whether the metadata of a domain's XML has the mark of any agent. */
export const hasMark = (metadata: readonly MetadataElement[]): boolean =>
  metadata.some(({ uri, name }) => uri === NAMESPACE && name === ELEMENT);

export const readMark = async (
  domain: Domain,
  wait: CallWait = {},
): Promise<{ host: string; stateDir: string } | undefined> => {
  let xml: string;
  try {
    xml = await domain.getMetadata(DomainMetadataType.ELEMENT, NAMESPACE, 0, wait);
  } catch (err) {
    if (isLibvirtError(err, 'VIR_ERR_NO_DOMAIN_METADATA', 'VIR_ERR_NO_DOMAIN')) return undefined;
    throw err;
  }
  const { host, 'state-dir': stateDir } = parseMetadataValues(xml, ELEMENT);
  return host !== undefined && stateDir !== undefined ? { host, stateDir } : undefined;
};

/** libvirt delays the list while it kills frozen guests: ten seconds for each. */
const LIST_WAIT = { timeoutMs: 60_000 };

/** Every domain with an agent's mark. Each is freed when the next one is requested. */
export async function* listMarkedDomains(
  connection: Connection,
): AsyncGenerator<{ readonly domain: Domain; readonly host: string; readonly stateDir: string }> {
  for (const domain of await connection.listAllDomains(0, LIST_WAIT)) {
    await using handle = domain;
    const mark = await readMark(handle);
    if (mark) yield { domain: handle, ...mark };
  }
}

export const findDomain = async (
  connection: Connection,
  instance: InstanceUuid,
  wait: CallWait = {},
): Promise<Domain | undefined> => {
  try {
    return await connection.domainLookupByUUID(instance, wait);
  } catch (err) {
    if (isLibvirtError(err, 'VIR_ERR_NO_DOMAIN')) return undefined;
    throw err;
  }
};

export interface ObservedDomain {
  readonly state: DomainState;
  /** False when its hypervisor process has not answered libvirt for a while: it is frozen, or waits for a frozen disk. */
  readonly isResponsive: boolean;
}

/** None of this asks the hypervisor process itself. */
export const observeDomain = async (connection: Connection, instance: InstanceUuid): Promise<ObservedDomain> => {
  await using domain = await findDomain(connection, instance);
  if (!domain) return { state: 'absent', isResponsive: true };
  if (!(await isOurs(domain))) return { state: 'foreign', isResponsive: true };
  const { state, reason } = await domain.getState();
  if (state === 'crashed' || (state === 'shutoff' && reason === 'crashed'))
    return { state: 'crashed', isResponsive: true };
  if (state === 'shutoff')
    return { state: (await domain.hasManagedSaveImage()) ? 'saved' : 'shut-off', isResponsive: true };
  return { state: state === 'paused' ? 'paused' : 'running', isResponsive: await isResponsive(domain) };
};

/** An answer takes milliseconds, or seconds on a busy host. */
const UNRESPONSIVE_MS = 10_000;

/** libvirt asks the process one question at a time. @returns true also when the domain no longer runs. */
export const isResponsive = async (domain: Domain): Promise<boolean> => {
  try {
    const { state, stateTimeMs } = await domain.getControlInfo();
    return state !== 'occupied' || stateTimeMs < UNRESPONSIVE_MS;
  } catch (err) {
    // libvirt's test driver has no processes.
    if (isLibvirtError(err, 'VIR_ERR_OPERATION_INVALID', 'VIR_ERR_NO_DOMAIN', 'VIR_ERR_NO_SUPPORT')) return true;
    throw err;
  }
};

/** Why a domain is paused. */
export interface Pause {
  /** libvirt's word: `user`, `ioerror` ... */
  readonly reason: string;
  /** The disks (`vda`) with an error. */
  readonly disks: readonly { readonly disk: string; readonly error: DiskError }[];
}

/** libvirt answers this without the process. @returns its word for why the domain is paused; null when it is not paused, or gone. */
export const findPauseReason = async (
  connection: Connection,
  instance: InstanceUuid,
  wait: CallWait = {},
): Promise<string | null> => {
  await using domain = await findDomain(connection, instance, wait);
  // Awaited here: the domain is freed at the end of this function.
  return domain ? await readPauseReason(domain, wait) : null;
};

const readPauseReason = async (domain: Domain, wait: CallWait): Promise<string | null> => {
  try {
    const { state, reason } = await domain.getState(wait);
    return state === 'paused' ? reason : null;
  } catch (err) {
    if (isLibvirtError(err, 'VIR_ERR_NO_DOMAIN')) return null; // it went away in between
    throw err;
  }
};

/** Null when the domain is not paused, or gone. For a bad disk it asks the hypervisor process. */
export const observePause = async (
  connection: Connection,
  instance: InstanceUuid,
  wait: CallWait = {},
): Promise<Pause | null> => {
  await using domain = await findDomain(connection, instance, wait);
  if (!domain) return null;
  const reason = await readPauseReason(domain, wait);
  if (reason === null) return null;
  try {
    const disks = reason === 'ioerror' ? await domain.getDiskErrors(wait) : [];
    return { reason, disks: disks.filter(({ error }) => error !== 'none') };
  } catch (err) {
    // It stopped in between: its event comes.
    if (isLibvirtError(err, 'VIR_ERR_NO_DOMAIN', 'VIR_ERR_OPERATION_INVALID')) return null;
    throw err;
  }
};

/** The agent never touches a domain that someone else made, whatever its uuid. */
const isOurs = async (domain: Domain, wait: CallWait = {}): Promise<boolean> =>
  (await readMark(domain, wait)) !== undefined;

/** Resumes a paused domain. @throws LibvirtError, also when it is not paused */
export const resumeDomain = async (connection: Connection, instance: InstanceUuid, wait: CallWait): Promise<void> => {
  await using domain = await connection.domainLookupByUUID(instance, wait);
  await domain.resume(wait);
};

/** Pauses a running domain. @throws LibvirtError, also when it does not run */
export const suspendDomain = async (connection: Connection, instance: InstanceUuid, wait: CallWait): Promise<void> => {
  await using domain = await connection.domainLookupByUUID(instance, wait);
  await domain.suspend(wait);
};

/** Presses the reset button of a domain that is up. */
export const resetDomain = async (connection: Connection, instance: InstanceUuid, wait: CallWait): Promise<void> => {
  await using domain = await connection.domainLookupByUUID(instance, wait);
  await domain.reset(wait);
};

/** Writes the memory of a domain to a file, and stops it; repeatable. */
export const saveDomain = async (connection: Connection, instance: InstanceUuid, wait: CallWait): Promise<void> => {
  await using domain = await connection.domainLookupByUUID(instance, wait);
  if (await domain.isActive(wait)) await domain.managedSave(0, wait);
};

export const hasSavedMemory = async (connection: Connection, instance: InstanceUuid): Promise<boolean> => {
  await using domain = await findDomain(connection, instance);
  return domain !== undefined && (await domain.hasManagedSaveImage());
};

/** Repeatable, also when there is none. */
export const discardSavedMemory = async (
  connection: Connection,
  instance: InstanceUuid,
  wait: CallWait,
): Promise<void> => {
  await using domain = await findDomain(connection, instance, wait);
  if (domain) await removeSavedMemory(domain, wait);
};

const removeSavedMemory = async (domain: Domain, wait: CallWait): Promise<void> => {
  if (await domain.hasManagedSaveImage(wait)) await domain.managedSaveRemove(wait);
};

/** Presses the guest's power button; repeatable, also when it is gone. */
export const pressPowerButton = async (connection: Connection, instance: InstanceUuid, wait: CallWait): Promise<void> =>
  shutDown(connection, instance, { ...wait, flags: DomainShutdownFlags.ACPI_POWER_BTN });

/** Asks the guest's agent to power off; repeatable. libvirt waits a minute for a silent agent. */
export const askAgentToPowerOff = async (
  connection: Connection,
  instance: InstanceUuid,
  wait: CallWait,
): Promise<void> => shutDown(connection, instance, { ...wait, flags: DomainShutdownFlags.GUEST_AGENT });

const shutDown = async (
  connection: Connection,
  instance: InstanceUuid,
  { flags, ...wait }: CallWait & { readonly flags: number },
): Promise<void> => {
  await using domain = await findDomain(connection, instance, wait);
  try {
    await withFlagsOrNone(flags, async (supported) => domain?.shutdown(supported, wait));
  } catch (err) {
    if (!isLibvirtError(err, 'VIR_ERR_OPERATION_INVALID', 'VIR_ERR_NO_DOMAIN')) throw err; // it went down in between
  }
};

/** Kills the domain; repeatable, also when it is gone. A frozen process takes libvirt some ten seconds. */
export const destroyDomain = async (
  connection: Connection,
  instance: InstanceUuid,
  wait: CallWait = {},
): Promise<void> => {
  await using domain = await findDomain(connection, instance, wait);
  if (!domain || !(await domain.isActive(wait)) || !(await isOurs(domain, wait))) return;
  try {
    await withFlagsOrNone(DomainDestroyFlags.REMOVE_LOGS, async (flags) => domain.destroy(flags, wait));
  } catch (err) {
    if (!isLibvirtError(err, 'VIR_ERR_OPERATION_INVALID', 'VIR_ERR_NO_DOMAIN')) throw err; // it stopped by itself
  }
};

/** Leaves out flags that libvirt's test driver and old versions do not know. */
const withFlagsOrNone = async (flags: number, call: (flags: number) => Promise<void>): Promise<void> => {
  try {
    await call(flags);
  } catch (err) {
    if (!isLibvirtError(err, 'VIR_ERR_INVALID_ARG')) throw err;
    await call(0);
  }
};

const UNDEFINE_ALL =
  DomainUndefineFlags.SNAPSHOTS_METADATA | DomainUndefineFlags.NVRAM | DomainUndefineFlags.CHECKPOINTS_METADATA;

/** Undefines the domain; repeatable, also when it is gone. */
export const undefineDomain = async (
  connection: Connection,
  instance: InstanceUuid,
  wait: CallWait = {},
): Promise<void> => {
  await using domain = await findDomain(connection, instance, wait);
  if (!domain || !(await isOurs(domain, wait))) return;
  await removeSavedMemory(domain, wait);
  try {
    await withFlagsOrNone(UNDEFINE_ALL, async (flags) => domain.undefineFlags(flags, wait));
  } catch (err) {
    if (!isLibvirtError(err, 'VIR_ERR_NO_DOMAIN')) throw err;
  }
};
