import { sleep } from '@etcd-compute/common/async/sleep';
import { EcomputeError } from '@etcd-compute/common/errors';
import type { InstanceUuid } from '@etcd-compute/common/ids';
import type { CallWait, Connection } from '@etcd-compute/libvirt/connection';
import { DomainModificationImpact, DomainXMLFlags } from '@etcd-compute/libvirt/constants';
import type { Domain } from '@etcd-compute/libvirt/domain';
import { isLibvirtError } from '@etcd-compute/libvirt/errors';
import { parseDomain, renderDevice, type DomainDevice, type DomainSpec } from '@etcd-compute/libvirt/xml/domain';
import { changeDomain } from './change-domain.js';
import { isResponsive } from './domain.js';

/*
 * Disks and interfaces of a domain that is there. A device is in its definition, and while it runs, in its guest too. It comes into the
 * definition first and leaves it last: what a guest does not let go stays as it was, whole. Each way can be repeated from anywhere.
 *
 * libvirt's test driver has no hot plug: there, the definition is all there is, and counts from the next start.
 */

export interface DeviceOptions {
  readonly instance: InstanceUuid;
  /** For errors, such as `disk 0b9d…`. */
  readonly what: string;
  /** Finds the device among those of a domain. */
  readonly find: (domain: DomainSpec) => DomainDevice | undefined;
  /** False for libvirt's test driver. */
  readonly hasHotPlug: boolean;
}

export interface DomainViews {
  readonly definition: DomainSpec;
  /** Undefined: it does not run. */
  readonly guest: DomainSpec | undefined;
}

export const readDomainViews = async (
  domain: Domain,
  { hasHotPlug }: Pick<DeviceOptions, 'hasHotPlug'>,
  wait: CallWait = {},
): Promise<DomainViews> => {
  const definition = parseDomain(await domain.getXMLDesc(DomainXMLFlags.INACTIVE, wait));
  const isRunning = hasHotPlug && (await domain.isActive(wait));
  return { definition, guest: isRunning ? parseDomain(await domain.getXMLDesc(0, wait)) : undefined };
};

export interface AttachOptions extends DeviceOptions {
  /** The device for a domain that has none. */
  readonly make: (views: DomainViews) => DomainDevice;
  /** Once it is in the definition, before a guest has it. */
  readonly onDefined?: (domain: Domain) => Promise<void>;
}

/** Repeatable. @throws EcomputeError when the guest runs and cannot have it. */
export const attachDevice = async (
  connection: Connection,
  { instance, what, find, hasHotPlug, make, onDefined }: AttachOptions,
  wait: CallWait,
): Promise<void> => {
  await using domain = await connection.domainLookupByUUID(instance, wait);
  const views = await readDomainViews(domain, { hasHotPlug }, wait);
  const { definition, guest } = views;
  const device = find(definition) ?? (guest && find(guest)) ?? make(views);
  if (!find(definition)) await changeDomain(connection, { instance, attach: device }, wait);
  await onDefined?.(domain);
  if (!guest || find(guest)) return;
  await checkResponsive(domain, instance);
  try {
    await domain.attachDeviceFlags(renderDevice(device), DomainModificationImpact.LIVE, wait);
  } catch (cause) {
    wait.signal?.throwIfAborted();
    if (!(await domain.isActive(wait))) return; // it went down in between, and has it at the next start
    throw new EcomputeError('ECOMPUTE_DOMAIN_FAILED', `could not attach ${what} to the running domain ${instance}`, {
      cause,
      hint: 'stop the instance and ask again: a guest that is off takes what cannot be plugged in while it runs',
    });
  }
};

/** Looks in the definition, and in the guest if it runs. */
export const whereIsDevice = async (
  connection: Connection,
  { instance, find, hasHotPlug }: Omit<DeviceOptions, 'what'>,
): Promise<'everywhere' | 'nowhere' | 'in part'> => {
  await using domain = await connection.domainLookupByUUID(instance);
  const { definition, guest } = await readDomainViews(domain, { hasHotPlug });
  const places = [definition, ...(guest ? [guest] : [])].map((view) => find(view) !== undefined);
  if (places.every(Boolean)) return 'everywhere';
  return places.some(Boolean) ? 'in part' : 'nowhere';
};

export interface DetachOptions extends DeviceOptions {
  /** How long a guest may take to let it go. */
  readonly patienceMs: number;
  readonly signal: AbortSignal;
}

/** Repeatable. @throws ECOMPUTE_DEVICE_NOT_RELEASED when the guest does not let it go; it is as it was then. */
export const detachDevice = async (connection: Connection, options: DetachOptions): Promise<void> => {
  const { instance, find, signal } = options;
  const wait = { signal };
  await using domain = await connection.domainLookupByUUID(instance, wait);
  const { definition, guest } = await readDomainViews(domain, options, wait);
  const plugged = guest && find(guest);
  if (plugged) await release(domain, plugged, options);
  const defined = find(definition);
  if (defined) await changeDomain(connection, { instance, detach: defined }, wait);
};

/** A guest that is still booting does not hear the first request. */
const ASK_EVERY_MS = 10_000;
const LOOK_EVERY_MS = 100;

const release = async (domain: Domain, device: DomainDevice, options: DetachOptions): Promise<void> => {
  const { instance, what, find, patienceMs, signal } = options;
  const until = Date.now() + patienceMs;
  let askedAt = Number.NEGATIVE_INFINITY;
  for (;;) {
    if (Date.now() - askedAt >= ASK_EVERY_MS) {
      askedAt = Date.now();
      await checkResponsive(domain, instance);
      await askToRelease(domain, device, options);
    }
    const { guest } = await readDomainViews(domain, options, { signal });
    if (!guest || !find(guest)) return;
    if (Date.now() >= until)
      throw new EcomputeError(
        'ECOMPUTE_DEVICE_NOT_RELEASED',
        `the guest did not let ${what} go within ${patienceMs / 1000} s`,
        { hint: 'a guest that boots, is paused or lacks a driver cannot let it go: ask again later, or stop it first' },
      );
    await sleep(LOOK_EVERY_MS, signal);
  }
};

/** QEMU refuses to ask a guest again that has not answered yet. */
const IS_UNDER_WAY = /already in the process of unplug/;

const askToRelease = async (
  domain: Domain,
  device: DomainDevice,
  { instance, what, signal }: DetachOptions,
): Promise<void> => {
  try {
    await domain.detachDeviceFlags(renderDevice(device), DomainModificationImpact.LIVE, { signal });
  } catch (cause) {
    signal.throwIfAborted();
    // Gone, or off.
    if (isLibvirtError(cause, 'VIR_ERR_DEVICE_MISSING', 'VIR_ERR_OPERATION_INVALID')) return;
    if (cause instanceof Error && IS_UNDER_WAY.test(cause.message)) return;
    throw new EcomputeError('ECOMPUTE_DOMAIN_FAILED', `could not detach ${what} from the running domain ${instance}`, {
      cause,
      hint: 'stop the instance and ask again',
    });
  }
};

/** libvirt would let the next question wait for the one that is not answered. */
const checkResponsive = async (domain: Domain, instance: InstanceUuid): Promise<void> => {
  if (await isResponsive(domain)) return;
  throw new EcomputeError(
    'ECOMPUTE_DOMAIN_UNRESPONSIVE',
    `the hypervisor process of instance ${instance} does not answer libvirt`,
    { hint: 'ask again when it does' },
  );
};
