import type { LeftoverKind } from '@etcd-compute/common/etcd/messages/host-audit';
import { instanceUuidSchema, type InstanceUuid, type ProviderUuid } from '@etcd-compute/common/ids';
import type { Domain } from '@etcd-compute/libvirt/domain';
import { isLibvirtError } from '@etcd-compute/libvirt/errors';
import { listConsoleLogs } from '../consoles/console-logs.js';
import { diskPath, listDisks } from '../disks/disk-pool.js';
import { listConfigDrives } from '../guest-config/config-drives.js';
import { isFile } from '../instance-files.js';
import { listMarkedDomains, observeDomain } from '../instances/domain.js';
import type { StepDeps } from '../instances/steps/step.js';

/** What of ours is on this host, whoever wishes for it: by instance, with words for a person. */
export type Ours = ReadonlyMap<InstanceUuid, ReadonlyMap<LeftoverKind, string>>;

/** Undefined when it has gone since it was listed, as a destroyed one does. */
const describeState = async (domain: Domain): Promise<string | undefined> => {
  try {
    return (await domain.isActive()) ? 'it runs' : 'it is shut off';
  } catch (err) {
    if (isLibvirtError(err, 'VIR_ERR_NO_DOMAIN')) return undefined;
    throw err;
  }
};

/**
 * Domains, disks and console logs of instances. What is not marked as this host's is left out.
 *
 * @throws when libvirt cannot be asked: then nobody knows what is not here.
 */
export const listOurs = async (steps: StepDeps, host: ProviderUuid): Promise<Ours> => {
  const connection = steps.getConnection();
  const ours = new Map<InstanceUuid, Map<LeftoverKind, string>>();
  const add = (instance: InstanceUuid, kind: LeftoverKind, detail: string): void => {
    ours.set(instance, (ours.get(instance) ?? new Map<LeftoverKind, string>()).set(kind, detail));
  };
  for await (const { domain, ...mark } of listMarkedDomains(connection)) {
    const instance = instanceUuidSchema.safeParse(domain.uuid).data;
    if (instance === undefined || mark.host !== host) continue;
    const state = await describeState(domain);
    if (state !== undefined) add(instance, 'domain-without-request', state);
  }
  for (const instance of await listConfigDrives(steps.configDrivesDir))
    add(instance, 'disk-without-request', `its config drive, in ${steps.configDrivesDir}`);
  for (const instance of await steps.lend('work', async (lent) => listDisks(lent, steps.pool)))
    add(instance, 'disk-without-request', `in ${steps.pool.folder}`);
  for (const instance of await listConsoleLogs(steps.consolesDir))
    add(instance, 'console-log-without-request', `in ${steps.consolesDir}`);
  return ours;
};

/**
 * What stands for a guest here: its domain, whoever made it, or its disk. @returns words for a person; undefined when there is neither.
 *
 * @throws when libvirt cannot be asked.
 */
export const describeGuest = async (
  { getConnection, pool }: StepDeps,
  instance: InstanceUuid,
): Promise<string | undefined> => {
  const { state } = await observeDomain(getConnection(), instance);
  if (state !== 'absent') return `its domain is on this host (${state})`;
  return (await isFile(diskPath(pool, instance))) ? `its disk is in ${pool.folder}` : undefined;
};
