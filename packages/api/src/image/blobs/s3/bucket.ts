import type { S3Client } from '@aws-sdk/client-s3';
import type * as sdkModule from './sdk.js';
import { EcomputeError } from '@etcd-compute/common/errors';
import { HttpError } from '../../../http/http-error.js';

export type Sdk = typeof sdkModule;

/** How a bucket is reached. */
export interface BucketOptions {
  readonly sdk: Sdk;
  readonly bucket: string;
  /** Undefined: AWS's own of the region. */
  readonly endpoint: string | undefined;
  readonly region: string;
  readonly isPathStyle: boolean;
  /** Undefined: as AWS's tools find them, in the environment, in files, or from the machine's role. */
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string } | undefined;
  /** PEM, beside Node's own. */
  readonly ca: readonly string[] | undefined;
  /** How long one request may take, and how long a download may bring nothing. */
  readonly timeoutMs: number;
  /** Ends all requests. */
  readonly signal: AbortSignal;
}

/** A bucket of S3. Whoever asks it sends the SDK's commands. */
export interface Bucket {
  readonly sdk: Sdk;
  readonly client: S3Client;
  readonly bucket: string;
  readonly timeoutMs: number;
  /**
   * Runs a request, with its deadline.
   *
   * @param what "could not ..." of errors. @throws EcomputeError ECOMPUTE_IMAGE_STORE_FAILED, ECOMPUTE_IMAGE_STORE_REFUSED; HttpError 413.
   */
  readonly ask: <T>(
    what: string,
    run: (options: { readonly abortSignal: AbortSignal }) => Promise<T>,
    timeoutMs?: number,
  ) => Promise<T>;
  /** Of what a request, or a download, has thrown. */
  readonly toError: (what: string, cause: unknown) => Error;
}

const CONNECT_MS = 5000;
const MAX_SOCKETS = 64;

export const openBucket = (options: BucketOptions): Bucket => {
  const { sdk, bucket, endpoint, region, isPathStyle, credentials, ca, timeoutMs, signal } = options;
  const agent = { keepAlive: true, maxSockets: MAX_SOCKETS };
  const client = new sdk.S3Client({
    region,
    ...(endpoint !== undefined && { endpoint }),
    forcePathStyle: isPathStyle,
    ...(credentials && { credentials }),
    requestHandler: {
      connectionTimeout: CONNECT_MS,
      requestTimeout: timeoutMs,
      throwOnRequestTimeout: true,
      httpAgent: agent,
      httpsAgent: { ...agent, ...(ca && { ca: [...ca] }) },
    },
    // Signatures have a SHA-256 of what is sent. Servers other than AWS often do not know the newer checksums.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    maxAttempts: 3,
  });
  const where = `bucket ${bucket} of ${endpoint ?? `AWS in ${region}`}`;

  const toError: Bucket['toError'] = (what, cause) => {
    if (signal.aborted || cause instanceof HttpError || cause instanceof EcomputeError)
      return cause instanceof Error ? cause : new Error(String(cause));
    if (isFull(cause))
      return new HttpError(413, 'There is no room for the image: delete others, or ask the operator for more.', {
        cause,
      });
    const refused = reasonOfRefusal(cause);
    if (refused)
      return new EcomputeError('ECOMPUTE_IMAGE_STORE_REFUSED', `could not ${what} in ${where}: ${refused.reason}`, {
        cause,
        hint: refused.hint,
      });
    return new EcomputeError('ECOMPUTE_IMAGE_STORE_FAILED', `could not ${what} in ${where}`, {
      cause,
      retryable: true,
      hint: 'see that it runs and can be reached from here, or correct images.s3.endpoint',
    });
  };

  return {
    sdk,
    client,
    bucket,
    timeoutMs,
    toError,
    ask: async (what, run, limitMs = timeoutMs) => {
      const deadline = AbortSignal.timeout(limitMs);
      try {
        return await run({ abortSignal: AbortSignal.any([signal, deadline]) });
      } catch (err) {
        throw toError(
          what,
          deadline.aborted ? new Error(`there was no answer in ${limitMs / 1000} s`, { cause: err }) : err,
        );
      }
    },
  };
};

const FULL: readonly string[] = ['EntityTooLarge', 'QuotaExceeded', 'InsufficientStorage', 'XMinioStorageFull'];

const isFull = (thrown: unknown): boolean => thrown instanceof Error && FULL.includes(thrown.name);

const KEYS =
  'correct images.s3.access_key and secret_key_file, or what AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY say';
const REGION = 'correct images.s3.region, or images.s3.endpoint';

/** What waiting does not solve, by the codes of S3: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html */
const REFUSALS: Readonly<Record<string, { readonly reason: string; readonly hint: string }>> = {
  NoSuchBucket: { reason: 'there is no such bucket', hint: 'make it, or correct images.s3.bucket' },
  InvalidBucketName: { reason: 'a bucket cannot be called so', hint: 'correct images.s3.bucket' },
  InvalidAccessKeyId: { reason: 'the access key is not known there', hint: KEYS },
  SignatureDoesNotMatch: { reason: 'the secret key is not the one of the access key', hint: KEYS },
  CredentialsProviderError: { reason: 'no keys are given', hint: KEYS },
  AccessDenied: {
    reason: 'the keys may not do that',
    hint: 'let them list the bucket, and get, put and delete in it (s3:ListBucket, GetObject, PutObject, DeleteObject, ListBucketMultipartUploads, AbortMultipartUpload)',
  },
  AuthorizationHeaderMalformed: { reason: 'it is in another region', hint: REGION },
  PermanentRedirect: { reason: 'it is elsewhere', hint: REGION },
  RequestTimeTooSkewed: { reason: 'the clocks differ by too much', hint: 'set the clock here' },
};

const reasonOfRefusal = (thrown: unknown): { readonly reason: string; readonly hint: string } | undefined => {
  if (!(thrown instanceof Error)) return undefined;
  const known = REFUSALS[thrown.name];
  if (known) return known;
  // HEAD has no body that would tell why.
  return statusOf(thrown) === 403 ? REFUSALS['AccessDenied'] : undefined;
};

/** Errors of the SDK tell it so. */
const statusOf = (thrown: Error): unknown => {
  const metadata = '$metadata' in thrown ? thrown.$metadata : undefined;
  return typeof metadata === 'object' && metadata !== null && 'httpStatusCode' in metadata
    ? metadata.httpStatusCode
    : undefined;
};

/** Whether S3 says that there is no such object, or upload. */
export const isAbsent = (thrown: unknown): boolean =>
  thrown instanceof Error && ['NotFound', 'NoSuchKey', 'NoSuchUpload'].includes(thrown.name);
