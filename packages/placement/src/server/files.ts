import { createPrivateKey, X509Certificate } from 'node:crypto';
import { watchFile, unwatchFile } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import { EcomputeError } from '@etcd-compute/common/errors';
import type { TlsFiles } from '../http/app.js';
import { trustHeaders, type Authenticate } from '../http/caller.js';
import { createPolicy, type Policy } from '../http/policy/policy.js';
import { parsePolicyFile } from '@etcd-compute/common/policy/policy-file';
import type { ServerConfig } from './config.js';
import { readTokens } from './tokens.js';

/** What the files say that the config names. */
export interface Files {
  readonly authenticate: Authenticate;
  readonly policy: Policy;
  readonly tls: TlsFiles | undefined;
}

/** @throws EcomputeError ECOMPUTE_CONFIG_UNREADABLE, ECOMPUTE_CONFIG_INVALID. */
export const readFiles = async (config: ServerConfig): Promise<Files> => ({
  authenticate:
    config.auth === 'tokens' && config.tokens_file !== undefined ? await readTokens(config.tokens_file) : trustHeaders,
  policy: createPolicy({
    enforceNewDefaults: config.enforce_new_defaults,
    enforceScope: config.enforce_scope,
    rules: config.policy_file === undefined ? {} : await readPolicy(config.policy_file),
  }),
  tls: config.tls && (await readTls(config.tls)),
});

export interface FollowFilesOptions {
  readonly config: ServerConfig;
  readonly onChange: (files: Files) => void;
  /** They cannot be used as they are now; what they said before stays. */
  readonly onTrouble: (err: unknown) => void;
}

const LOOK_EVERY_MS = 2000;

/** Reads all files again when one of them has changed. @returns ends it. */
export const followFiles = ({ config, onChange, onTrouble }: FollowFilesOptions): (() => void) => {
  const paths = [config.tokens_file, config.policy_file, config.tls?.cert, config.tls?.key].filter(
    (path) => path !== undefined,
  );
  const readAgain = (): void => {
    readFiles(config).then(onChange, onTrouble);
  };
  // It looks at the path each time: files are often replaced, not written to.
  for (const path of paths) watchFile(path, { interval: LOOK_EVERY_MS, persistent: false }, readAgain);
  return () => {
    for (const path of paths) unwatchFile(path, readAgain);
  };
};

const read = async (path: string, key: string): Promise<string> => {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new EcomputeError('ECOMPUTE_CONFIG_UNREADABLE', `could not read ${path}, named by ${key}`, { cause });
  }
};

const readPolicy = async (path: string): Promise<Readonly<Record<string, string>>> =>
  parsePolicyFile(await read(path, 'policy_file'), path);

const readTls = async (paths: { cert: string; key: string }): Promise<TlsFiles> => {
  const files = { cert: await read(paths.cert, 'tls.cert'), key: await read(paths.key, 'tls.key') };
  try {
    if (!new X509Certificate(files.cert).checkPrivateKey(createPrivateKey(files.key)))
      throw new Error('the key is that of another certificate');
    createSecureContext(files);
  } catch (cause) {
    throw new EcomputeError('ECOMPUTE_CONFIG_INVALID', `could not use ${paths.cert} with ${paths.key}`, {
      cause,
      hint: 'both must be PEM, and the key the one of the first certificate',
    });
  }
  return files;
};
