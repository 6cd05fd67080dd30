import { access, mkdir, open, readFile, stat, constants } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { EcomputeError } from '@etcd-compute/common/errors';
import { newProviderUuid, providerUuidSchema, type ProviderUuid } from '@etcd-compute/common/ids';
import type { Logger } from '@etcd-compute/common/log';
import type { Connection } from '@etcd-compute/libvirt/connection';
import { listMarkedDomains } from './instances/domain.js';

/** Makes sure that a folder of the agent's state is there and can be written. @throws ECOMPUTE_STATE_DIR_UNUSABLE */
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

/** The first folder on the way to `path` that other users may not enter. */
const findClosedFolder = async (path: string): Promise<string | undefined> => {
  const closed = path === dirname(path) ? undefined : await findClosedFolder(dirname(path));
  if (closed !== undefined) return closed;
  const { mode } = await stat(path);
  return (mode & 0o001) === 0 ? path : undefined;
};

/** Guests run as a user of their own, who must reach their disks. */
export const warnOfClosedFolder = async (disksFolder: string, log: Logger): Promise<void> => {
  const closed = await findClosedFolder(disksFolder);
  if (closed !== undefined)
    log.warn(
      { folder: closed },
      'the hypervisor may be unable to open disks: other users may not enter a folder above them; chmod o+x it, or set state_dir',
    );
};

/**
 * The uuid must not change under domains that run: their allocations and records would be somebody else's.
 *
 * @throws ECOMPUTE_AGENT_IDENTITY_CHANGED when domains made from this state folder belong to another uuid.
 */
export const checkIdentity = async (
  connection: Connection,
  { host, stateDir }: { host: ProviderUuid; stateDir: string },
): Promise<void> => {
  for await (const { domain, ...mark } of listMarkedDomains(connection)) {
    if (mark.stateDir !== stateDir || mark.host === host) continue;
    throw new EcomputeError(
      'ECOMPUTE_AGENT_IDENTITY_CHANGED',
      `this host is now ${host}, but domain ${domain.uuid} was made when it was ${mark.host}`,
      {
        hint: `set uuid to ${mark.host} in the config, or put it into ${join(stateDir, 'uuid')}`,
      },
    );
  }
};

/** The uuid of this host: from the config, else the one kept in the state folder, which the first start writes. */
export const ensureIdentity = async (stateDir: string, configured: ProviderUuid | undefined): Promise<ProviderUuid> => {
  if (configured !== undefined) return configured;
  const path = join(stateDir, 'uuid');
  const kept = await readFile(path, 'utf8').catch(() => undefined);
  if (kept !== undefined) {
    const parsed = providerUuidSchema.safeParse(kept.trim());
    if (parsed.success) return parsed.data;
    throw new EcomputeError(
      'ECOMPUTE_CONFIG_INVALID',
      `${path} does not hold a uuid (got ${JSON.stringify(kept.trim().slice(0, 50))})`,
      {
        hint: 'put the host’s uuid back (see `eschedule hosts`); remove the file only when the host has no instances',
      },
    );
  }
  const made = newProviderUuid();
  const file = await open(path, 'wx', 0o644);
  try {
    await file.writeFile(`${made}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  return made;
};
