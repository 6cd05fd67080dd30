import type { InstanceUuid, ProviderUuid } from '@etcd-compute/common/ids';
import type { Connection } from '@etcd-compute/libvirt/connection';
import type { DiskError, Domain } from '@etcd-compute/libvirt/domain';
import {
  DomainCreateFlags,
  DomainDestroyFlags,
  DomainMetadataType,
  DomainUndefineFlags,
} from '@etcd-compute/libvirt/constants';
import { isLibvirtError } from '@etcd-compute/libvirt/errors';
import { parseMetadataValues, type MetadataElement } from '@etcd-compute/libvirt/xml/metadata';
import type { DomainState } from './plan.js';

/** Domains as this agent sees them: found by the instance's uuid, and ours when their metadata says so. */

/** Never changes: domains that run carry it. */
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

/** Whether the metadata of a domain's XML has the mark of an agent, whichever it is. */
export const hasMark = (metadata: readonly MetadataElement[]): boolean =>
  metadata.some(({ uri, name }) => uri === NAMESPACE && name === ELEMENT);

export const readMark = async (domain: Domain): Promise<{ host: string; stateDir: string } | undefined> => {
  let xml: string;
  try {
    xml = await domain.getMetadata(DomainMetadataType.ELEMENT, NAMESPACE);
  } catch (err) {
    if (isLibvirtError(err, 'VIR_ERR_NO_DOMAIN_METADATA', 'VIR_ERR_NO_DOMAIN')) return undefined;
    throw err;
  }
  const { host, 'state-dir': stateDir } = parseMetadataValues(xml, ELEMENT);
  return host !== undefined && stateDir !== undefined ? { host, stateDir } : undefined;
};

/** Every domain that an agent of ours has made, with who made it. Each is freed when the next one is asked for. */
export async function* listMarkedDomains(
  connection: Connection,
): AsyncGenerator<{ readonly domain: Domain; readonly host: string; readonly stateDir: string }> {
  for (const domain of await connection.listAllDomains()) {
    await using handle = domain;
    const mark = await readMark(handle);
    if (mark) yield { domain: handle, ...mark };
  }
}

export const findDomain = async (connection: Connection, instance: InstanceUuid): Promise<Domain | undefined> => {
  try {
    return await connection.domainLookupByUUID(instance);
  } catch (err) {
    if (isLibvirtError(err, 'VIR_ERR_NO_DOMAIN')) return undefined;
    throw err;
  }
};

export const observeDomain = async (connection: Connection, instance: InstanceUuid): Promise<DomainState> => {
  await using domain = await findDomain(connection, instance);
  if (!domain) return 'absent';
  if (!(await isOurs(domain))) return 'foreign';
  const { state, reason } = await domain.getState();
  if (state === 'crashed' || (state === 'shutoff' && reason === 'crashed')) return 'crashed';
  if (state === 'paused') return 'paused';
  return state === 'shutoff' ? 'shut-off' : 'running';
};

/** Why a domain is paused. */
export interface Pause {
  /** libvirt's word: `user`, `ioerror` ... */
  readonly reason: string;
  /** Of those disks (`vda`) that had an error. */
  readonly disks: readonly { readonly disk: string; readonly error: DiskError }[];
}

/** Null when the domain is not paused, or gone. */
export const observePause = async (connection: Connection, instance: InstanceUuid): Promise<Pause | null> => {
  await using domain = await findDomain(connection, instance);
  if (!domain) return null;
  try {
    const { state, reason } = await domain.getState();
    if (state !== 'paused') return null;
    const disks = reason === 'ioerror' ? await domain.getDiskErrors() : [];
    return { reason, disks: disks.filter(({ error }) => error !== 'none') };
  } catch (err) {
    // It stopped in between: its event comes.
    if (isLibvirtError(err, 'VIR_ERR_NO_DOMAIN', 'VIR_ERR_OPERATION_INVALID')) return null;
    throw err;
  }
};

/** A domain that someone else made is never touched, whatever its uuid. */
const isOurs = async (domain: Domain): Promise<boolean> => (await readMark(domain)) !== undefined;

/** Starts a domain that is off. @param isHeld its processors wait for `resumeDomain`; not everywhere is that possible. */
export const startDomainHeld = async (domain: Domain, { isHeld }: { isHeld: boolean }): Promise<void> => {
  if (isHeld) await withFlagsOrNone(DomainCreateFlags.PAUSED, async (flags) => domain.create(flags));
  else await domain.create();
};

/** Lets a paused domain go on; repeatable, also when it is gone. */
export const resumeDomain = async (connection: Connection, instance: InstanceUuid): Promise<void> => {
  await using domain = await findDomain(connection, instance);
  if (!domain || (await domain.getState()).state !== 'paused') return;
  await domain.resume();
};

/** Stops the domain hard; repeatable, also when it is gone. */
export const destroyDomain = async (connection: Connection, instance: InstanceUuid): Promise<void> => {
  await using domain = await findDomain(connection, instance);
  if (!domain || !(await domain.isActive()) || !(await isOurs(domain))) return;
  try {
    await withFlagsOrNone(DomainDestroyFlags.REMOVE_LOGS, async (flags) => domain.destroy(flags));
  } catch (err) {
    if (!isLibvirtError(err, 'VIR_ERR_OPERATION_INVALID', 'VIR_ERR_NO_DOMAIN')) throw err; // it stopped by itself
  }
};

/** Flags that libvirt's test driver and old ones lack are left out there. */
const withFlagsOrNone = async (flags: number, call: (flags: number) => Promise<void>): Promise<void> => {
  try {
    await call(flags);
  } catch (err) {
    if (!isLibvirtError(err, 'VIR_ERR_INVALID_ARG')) throw err;
    await call(0);
  }
};

const UNDEFINE_ALL =
  DomainUndefineFlags.MANAGED_SAVE |
  DomainUndefineFlags.SNAPSHOTS_METADATA |
  DomainUndefineFlags.NVRAM |
  DomainUndefineFlags.CHECKPOINTS_METADATA;

/** Forgets the domain; repeatable, also when it is gone. */
export const undefineDomain = async (connection: Connection, instance: InstanceUuid): Promise<void> => {
  await using domain = await findDomain(connection, instance);
  if (!domain || !(await isOurs(domain))) return;
  try {
    await withFlagsOrNone(UNDEFINE_ALL, async (flags) => domain.undefineFlags(flags));
  } catch (err) {
    if (!isLibvirtError(err, 'VIR_ERR_NO_DOMAIN')) throw err;
  }
};
