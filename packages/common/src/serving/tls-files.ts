import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import { EcomputeError } from '../errors.js';

/** What the files hold that serving https needs. */
export interface TlsFiles {
  readonly cert: string;
  readonly key: string;
}

/** @param paths of PEM files. @throws EcomputeError ECOMPUTE_CONFIG_UNREADABLE, ECOMPUTE_CONFIG_INVALID. */
export const readTls = async (paths: { cert: string; key: string }): Promise<TlsFiles> => {
  const files = { cert: await readTextFile(paths.cert, 'tls.cert'), key: await readTextFile(paths.key, 'tls.key') };
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

/** @param key of the config, which names the file. @throws EcomputeError ECOMPUTE_CONFIG_UNREADABLE. */
export const readTextFile = async (path: string, key: string): Promise<string> => {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new EcomputeError('ECOMPUTE_CONFIG_UNREADABLE', `could not read ${path}, named by ${key}`, { cause });
  }
};
