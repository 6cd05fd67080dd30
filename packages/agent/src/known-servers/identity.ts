import { access, mkdir, readFile, stat, constants } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { EcomputeError } from '@etcd-compute/common/errors';
import { newProviderUuid, providerUuidSchema, type InstanceUuid, type ProviderUuid } from '@etcd-compute/common/ids';
import type { Logger } from '@etcd-compute/common/log';
import type { Connection } from '@etcd-compute/libvirt/connection';
import { listMarkedDomains } from '../domains/domain.js';
import { replaceFile } from '../state-folder/replace-file.js';

/** Makes sure that a folder of the agent's state exists and is writable. @throws ECOMPUTE_STATE_DIR_UNUSABLE */
export const ensureFolder = async (folder: string): Promise<string> => {
  try {
    await mkdir(folder, { recursive: true, mode: 0o755 });
    await access(folder, constants.W_OK | constants.X_OK);
    return folder;
  } catch (cause) {
    throw new EcomputeError('ECOMPUTE_STATE_DIR_UNUSABLE', `could not use the state folder ${folder}`, {
      cause,
      hint: 'create it for the user that runs ecompute, or set state_dir in the config',
    });
  }
};

/** The first folder of `path` that other users may not enter. */
const findClosedFolder = async (path: string): Promise<string | undefined> => {
  const closed = path === dirname(path) ? undefined : await findClosedFolder(dirname(path));
  if (closed !== undefined) return closed;
  const { mode } = await stat(path);
  return (mode & 0o001) === 0 ? path : undefined;
};

/** Guests run as another user, who must be able to open their disks. */
export const warnOfClosedFolder = async (disksFolder: string, log: Logger): Promise<void> => {
  const closed = await findClosedFolder(disksFolder);
  if (closed !== undefined)
    log.warn(
      { folder: closed },
      'the hypervisor may be unable to open disks: other users may not enter a folder above them; chmod o+x it, or set state_dir',
    );
};

/** The host's identity, before anything is written into its state folder. */
export interface Identity {
  readonly host: ProviderUuid;
  /** False when the folder does not have the uuid yet: it is new, or its file system is not mounted. */
  readonly isKept: boolean;
}

const uuidPath = (stateDir: string): string => join(stateDir, 'uuid');

/** The uuid of this host: from the config, else the one kept in the state folder, else a new one. @throws ECOMPUTE_CONFIG_INVALID */
export const readIdentity = async (stateDir: string, configured: ProviderUuid | undefined): Promise<Identity> => {
  const kept = await readUuid(uuidPath(stateDir));
  const host = configured ?? kept ?? newProviderUuid();
  return { host, isKept: host === kept };
};

const readUuid = async (path: string): Promise<ProviderUuid | undefined> => {
  const text = await readFile(path, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  const parsed = providerUuidSchema.safeParse(text.trim());
  if (parsed.success) return parsed.data;
  throw new EcomputeError(
    'ECOMPUTE_CONFIG_INVALID',
    `${path} does not hold a uuid (got ${JSON.stringify(text.trim().slice(0, 50))})`,
    { hint: 'put the host’s uuid back (see `eschedule hosts`); remove the file only when the host has no instances' },
  );
};

/** Keeps the uuid for the next start. Call it after `checkIdentity` has succeeded. */
export const keepIdentity = async (stateDir: string, { host, isKept }: Identity): Promise<void> => {
  if (!isKept) await replaceFile(uuidPath(stateDir), `${host}\n`);
};

export interface CheckIdentityOptions extends Identity {
  readonly stateDir: string;
  /** The instances that have a disk there. */
  readonly disks: readonly InstanceUuid[];
}

/**
 * The uuid must not change while domains run: their allocations and records would belong to another host. Nor may the state folder be an
 * empty one in place of the one with their disks.
 *
 * @throws ECOMPUTE_AGENT_IDENTITY_CHANGED
 */
export const checkIdentity = async (connection: Connection, options: CheckIdentityOptions): Promise<void> => {
  const { host, isKept, stateDir, disks } = options;
  let missing: string | undefined;
  for await (const { domain, ...mark } of listMarkedDomains(connection)) {
    if (mark.stateDir !== stateDir) continue;
    if (mark.host !== host)
      throw new EcomputeError(
        'ECOMPUTE_AGENT_IDENTITY_CHANGED',
        `this host is now ${host}, but domain ${domain.uuid} was made when it was ${mark.host}`,
        { hint: `set uuid to ${mark.host} in the config, or put it into ${uuidPath(stateDir)}` },
      );
    missing ??= domain.uuid;
  }
  if (isKept || missing === undefined || disks.length > 0) return;
  throw new EcomputeError(
    'ECOMPUTE_AGENT_IDENTITY_CHANGED',
    `the state folder ${stateDir} is empty, but domain ${missing} was made from it`,
    {
      hint: `mount its file system; if that is lost for good, put ${host} into ${uuidPath(stateDir)}`,
    },
  );
};
