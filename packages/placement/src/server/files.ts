import { watchFiles } from '@etcd-compute/common/serving/watch-files';
import { readTextFile, readTls, type TlsFiles } from '@etcd-compute/common/serving/tls-files';
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

/** Reads all files again when one of them has changed. @returns ends it. */
export const followFiles = ({ config, onChange, onTrouble }: FollowFilesOptions): (() => void) => {
  const paths = [config.tokens_file, config.policy_file, config.tls?.cert, config.tls?.key].filter(
    (path) => path !== undefined,
  );
  return watchFiles(paths, () => {
    readFiles(config).then(onChange, onTrouble);
  });
};

const readPolicy = async (path: string): Promise<Readonly<Record<string, string>>> =>
  parsePolicyFile(await readTextFile(path, 'policy_file'), path);
