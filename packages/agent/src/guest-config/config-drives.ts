import { mkdir, open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { EcomputeError } from '@etcd-compute/common/errors';
import type { InstanceUuid } from '@etcd-compute/common/ids';
import { instanceOfFile, isFile, listFolder } from '../state-folder/instance-files.js';
import type { GuestConfig } from './guest-config.js';
import { renderIso } from './iso9660.js';
import { NOCLOUD_LABEL, nocloudFiles } from './nocloud-files.js';
import { OPENSTACK_LABEL, openstackFiles } from './openstack-files.js';

/*
 * The guests' config drives: small read-only disks, one file `<instance>.iso` each, in a folder of ours. They hold keys, user data and
 * whatever secrets are in it: only their owner may read them. libvirt gives them to the user that QEMU runs as.
 */

export const ensureConfigDrivesDir = async (stateDir: string): Promise<string> => {
  const folder = join(stateDir, 'config-drives');
  try {
    // Nobody lists it, and QEMU's user reaches what it is given.
    await mkdir(folder, { recursive: true, mode: 0o711 });
    return folder;
  } catch (cause) {
    throw new EcomputeError('ECOMPUTE_STATE_DIR_UNUSABLE', `could not use the state folder ${folder}`, {
      cause,
      hint: 'create it for the user that runs ecompute, or set state_dir in the config',
    });
  }
};

const configDrive = (folder: string, instance: InstanceUuid): string => join(folder, `${instance}.iso`);
const partialDrive = (folder: string, instance: InstanceUuid): string => join(folder, `${instance}.iso.partial`);

export interface WriteOptions {
  readonly folder: string;
  readonly layout: 'openstack' | 'nocloud';
  readonly guest: GuestConfig;
}

/** Makes the drive, anew when there is one. @returns its path. @throws ECOMPUTE_DISK_FAILED */
export const writeConfigDrive = async ({ folder, layout, guest }: WriteOptions): Promise<string> => {
  const { instance } = guest;
  const image =
    layout === 'openstack'
      ? renderIso(OPENSTACK_LABEL, openstackFiles(guest, { hasPassword: true }))
      : renderIso(NOCLOUD_LABEL, nocloudFiles(guest));
  const partial = partialDrive(folder, instance);
  try {
    // Not written over: an old one may belong to another user by now.
    await rm(partial, { force: true });
    await using file = await open(partial, 'wx', 0o600);
    await file.writeFile(image);
    await file.datasync();
    await rename(partial, configDrive(folder, instance));
  } catch (cause) {
    throw new EcomputeError('ECOMPUTE_DISK_FAILED', `could not write the config drive of instance ${instance}`, {
      cause,
      retryable: true,
      hint: `check the free space in ${folder} and its permissions`,
    });
  }
  return configDrive(folder, instance);
};

/** Removes the drive; repeatable. */
export const removeConfigDrive = async (folder: string, instance: InstanceUuid): Promise<void> => {
  await rm(configDrive(folder, instance), { force: true });
  await rm(partialDrive(folder, instance), { force: true });
};

/** Whether the instance has a drive, whole or not. */
export const hasConfigDrive = async (folder: string, instance: InstanceUuid): Promise<boolean> =>
  (await isFile(configDrive(folder, instance))) || isFile(partialDrive(folder, instance));

/** Instances that have a config drive, whole or not. */
export const listConfigDrives = async (folder: string): Promise<InstanceUuid[]> => {
  const names = await listFolder(folder);
  return [...new Set(names.flatMap((name) => instanceOfFile(name, /^(.{36})\.iso(?:\.partial)?$/) ?? []))];
};
