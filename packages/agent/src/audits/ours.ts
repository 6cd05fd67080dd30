import { instanceUuidSchema, type InstanceUuid, type ProviderUuid } from '@etcd-compute/common/ids';
import type { Domain } from '@etcd-compute/libvirt/domain';
import { isLibvirtError } from '@etcd-compute/libvirt/errors';
import { listConsoleLogs } from '../consoles/console-logs.js';
import { diskPath, listDisks } from '../disks/disk-pool.js';
import { listFurtherDisks } from '../disks/further-disks.js';
import { listConfigDrives } from '../guest-config/config-drives.js';
import { isFile } from '../state-folder/instance-files.js';
import { listMarkedDomains, observeDomain } from '../domains/domain.js';
import type { StepDeps } from '../steps/step.js';

/** What an instance has on this host. */
export interface Things {
  domain?: { readonly isActive: boolean };
  /** Its root disk. */
  hasDisk?: true;
  hasFurtherDisk?: true;
  hasConfigDrive?: true;
  hasConsoleLog?: true;
}

/** What all instances have on this host, with or without a boot request. */
export type Ours = ReadonlyMap<InstanceUuid, Readonly<Things>>;

export type OursDeps = Pick<StepDeps, 'getConnection' | 'lend' | 'pool' | 'configDrivesDir' | 'consolesDir'>;

/** Undefined when it has gone since it was listed, for example because it was destroyed. */
const observeActive = async (domain: Domain): Promise<Things['domain']> => {
  try {
    return { isActive: await domain.isActive() };
  } catch (err) {
    if (isLibvirtError(err, 'VIR_ERR_NO_DOMAIN')) return undefined;
    throw err;
  }
};

/**
 * Domains, disks and console logs of instances. Domains without this host's mark are left out.
 *
 * @throws when libvirt does not answer: a partial list would look like missing guests.
 */
export const listOurs = async (steps: OursDeps, host: ProviderUuid): Promise<Ours> => {
  const { getConnection, lend, pool, configDrivesDir, consolesDir } = steps;
  const ours = new Map<InstanceUuid, Things>();
  const add = (instance: InstanceUuid, things: Things): void => {
    ours.set(instance, { ...ours.get(instance), ...things });
  };
  for await (const { domain: handle, ...mark } of listMarkedDomains(getConnection())) {
    const instance = instanceUuidSchema.safeParse(handle.uuid).data;
    if (instance === undefined || mark.host !== host) continue;
    const domain = await observeActive(handle);
    if (domain) add(instance, { domain });
  }
  for (const instance of await listConfigDrives(configDrivesDir)) add(instance, { hasConfigDrive: true });
  for (const instance of await lend('work', async (connection) => listDisks(connection, pool)))
    add(instance, { hasDisk: true });
  for (const { instance } of await lend('work', async (connection) => listFurtherDisks(connection, pool)))
    add(instance, { hasFurtherDisk: true });
  for (const instance of await listConsoleLogs(consolesDir)) add(instance, { hasConsoleLog: true });
  return ours;
};

/**
 * What shows that a guest is here: its domain, whoever made it, or its disk. @returns text for people; undefined when there is neither.
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
