import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { EcomputeError } from '@etcd-compute/common/errors';
import type { Ensured, EtcdAuth } from '@etcd-compute/common/etcd/store-auth';
import type { Account } from './accounts.js';

export interface EnsuredAccount {
  readonly state: Ensured;
  /** Where its password is; null where the user was there before, and its password is not. */
  readonly passwordFile: string | null;
}

/**
 * Makes the role and the user as they should be. A new password is in its file before etcd has it, so whoever is cut off in between
 * goes on with the same one. The password of a user that is there stays as it is.
 *
 * @param folder where passwords are, each in a file that only its owner may read.
 */
export const ensureAccount = async (auth: EtcdAuth, account: Account, folder: string): Promise<EnsuredAccount> => {
  const { user, role, grants } = account;
  const ofRole = grants === null ? 'unchanged' : await auth.ensureRole(role, grants);
  const path = join(folder, user);
  const isNew = !(await auth.hasUser(user));
  const password = isNew ? await ensurePassword(folder, path) : await readPassword(path);
  if (isNew && password !== undefined) await auth.createUser(user, password);
  const ofUser = await auth.ensureUserHasRole(user, role);
  const isSame = ofRole === 'unchanged' && ofUser === 'unchanged';
  return {
    state: isNew ? 'created' : isSame ? 'unchanged' : 'changed',
    passwordFile: password === undefined ? null : path,
  };
};

const ensurePassword = async (folder: string, path: string): Promise<string> => {
  const there = await readPassword(path);
  if (there !== undefined) return there;
  const password = randomBytes(24).toString('base64url');
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await writeFile(path, `${password}\n`, { mode: 0o600, flag: 'wx', flush: true });
  } catch (cause) {
    throw unusable(path, cause);
  }
  return password;
};

const readPassword = async (path: string): Promise<string | undefined> => {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return undefined;
    throw unusable(path, cause);
  }
  const password = text.trim();
  if (password === '') throw unusable(path, new Error('it is empty: remove it'));
  return password;
};

const unusable = (path: string, cause: unknown): EcomputeError =>
  new EcomputeError('ECOMPUTE_CONFIG_UNREADABLE', `could not keep a password in ${path}`, {
    cause,
    hint: 'choose another folder with --passwords',
  });
