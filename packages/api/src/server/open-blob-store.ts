import { rootCertificates } from 'node:tls';
import { readSecretFile } from '@etcd-compute/common/config/load';
import { EcomputeError } from '@etcd-compute/common/errors';
import type { Logger } from '@etcd-compute/common/log';
import { openS3Store, type S3Store } from '../image/blobs/s3/s3-store.js';
import type { S3Section } from './images-config.js';

export interface BlobStoreOptions {
  /** Undefined: contents are kept in the folder alone. */
  readonly s3: S3Section | undefined;
  readonly cloud: string;
  readonly server: string;
  readonly log: Logger;
  /** Ends what goes on. */
  readonly signal: AbortSignal;
}

/**
 * The store that all servers share, if there is one. One that does not answer now may do so later.
 *
 * @throws EcomputeError ECOMPUTE_IMAGE_STORE_REFUSED when the bucket cannot be used with these keys, ECOMPUTE_CONFIG_UNREADABLE.
 */
export const openBlobStore = async ({ s3, log, ...names }: BlobStoreOptions): Promise<S3Store | undefined> => {
  if (!s3) return undefined;
  const ca = s3.ca_cert === undefined ? undefined : await readSecretFile(s3.ca_cert, 'images.s3.ca_cert');
  // The SDK is large: it is loaded by those that need it.
  const sdk = await import('../image/blobs/s3/sdk.js');
  const store = openS3Store({
    ...names,
    sdk,
    bucket: s3.bucket,
    endpoint: s3.endpoint,
    region: s3.region,
    prefix: s3.prefix,
    isPathStyle: s3.path_style ?? s3.endpoint !== undefined,
    credentials: await readCredentials(s3),
    ca: ca === undefined ? undefined : [...rootCertificates, ca],
    timeoutMs: s3.timeout * 1000,
  });
  try {
    await store.check();
  } catch (err) {
    if (!(err instanceof EcomputeError && err.retryable)) {
      await store[Symbol.asyncDispose]();
      throw err;
    }
    log.warn({ err }, 'the store of images does not answer; until it does, there are no images');
  }
  return store;
};

const readCredentials = async ({
  access_key,
  secret_key,
  secret_key_file,
}: S3Section): Promise<{ accessKeyId: string; secretAccessKey: string } | undefined> => {
  if (access_key === undefined) return undefined;
  const secret =
    secret_key_file === undefined ? secret_key : await readSecretFile(secret_key_file, 'images.s3.secret_key_file');
  return { accessKeyId: access_key, secretAccessKey: secret ?? '' };
};
