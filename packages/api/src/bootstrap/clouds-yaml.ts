import { chmod, readFile, writeFile } from 'node:fs/promises';
import { EcomputeError, toError } from '@etcd-compute/common/errors';
import { isMap, parseDocument } from 'yaml';

export interface CloudEntry {
  readonly name: string;
  readonly authUrl: string;
  readonly region: string;
  readonly password: string;
}

/**
 * Puts a cloud into a `clouds.yaml`, where OpenStack's clients find it; others in it stay as they are. Nobody but the owner may read it.
 *
 * @throws EcomputeError ECOMPUTE_CONFIG_INVALID when there is another kind of file.
 */
export const writeCloud = async (path: string, { name, authUrl, region, password }: CloudEntry): Promise<void> => {
  const document = parseDocument(await readIfThere(path));
  if (document.errors.length > 0 || (document.contents !== null && !isMap(document.contents)))
    throw new EcomputeError('ECOMPUTE_CONFIG_INVALID', `could not add a cloud to ${path}: it is no clouds.yaml`, {
      hint: 'name another file with --clouds',
    });
  document.setIn(['clouds', name], {
    auth: {
      auth_url: authUrl,
      username: 'admin',
      password,
      project_name: 'admin',
      user_domain_id: 'default',
      project_domain_id: 'default',
    },
    region_name: region,
    identity_api_version: 3,
  });
  await writeFile(path, document.toString(), { mode: 0o600 });
  await chmod(path, 0o600);
};

const readIfThere = async (path: string): Promise<string> => {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    if (toError(cause).message.includes('ENOENT')) return '';
    throw new EcomputeError('ECOMPUTE_CONFIG_UNREADABLE', `could not read ${path}`, { cause });
  }
};
