/**
 * Every error a person may see. A code is never renamed and never used for something else; scripts match on it.
 * The part after `ECOMPUTE_` names the thing, then what happened to it.
 */
export const ERROR_CODES = [
  'ECOMPUTE_ABORTED',
  'ECOMPUTE_ADDRESS_UNAVAILABLE',
  'ECOMPUTE_AGENT_DUPLICATE',
  'ECOMPUTE_AGENT_IDENTITY_CHANGED',
  'ECOMPUTE_CONFIG_INVALID',
  'ECOMPUTE_CONFIG_UNREADABLE',
  'ECOMPUTE_CONSOLE_BUSY',
  'ECOMPUTE_CONSOLE_CLOSED',
  'ECOMPUTE_CONSOLE_MISSING',
  'ECOMPUTE_CONSOLE_UNREADABLE',
  'ECOMPUTE_DEVICE_MISSING',
  'ECOMPUTE_DEVICE_NOT_RELEASED',
  'ECOMPUTE_DISK_FAILED',
  'ECOMPUTE_DOMAIN_FAILED',
  'ECOMPUTE_DOMAIN_FOREIGN',
  'ECOMPUTE_DOMAIN_LOST',
  'ECOMPUTE_DOMAIN_UNRESPONSIVE',
  'ECOMPUTE_ENDPOINT_MISSING',
  'ECOMPUTE_ENDPOINT_REFUSED',
  'ECOMPUTE_ENDPOINT_UNREACHABLE',
  'ECOMPUTE_ETCD_CHANGED',
  'ECOMPUTE_ETCD_COMPACTED',
  'ECOMPUTE_ETCD_REFUSED',
  'ECOMPUTE_ETCD_REPLY_TOO_LARGE',
  'ECOMPUTE_ETCD_UNREACHABLE',
  'ECOMPUTE_FILTER_FAILED',
  'ECOMPUTE_GUEST_DISK_FAILED',
  'ECOMPUTE_GUEST_DISK_FULL',
  'ECOMPUTE_HOST_DOWN',
  'ECOMPUTE_HOST_FULL',
  'ECOMPUTE_HOST_DRAINING',
  'ECOMPUTE_HOST_IN_USE',
  'ECOMPUTE_HOST_NOT_DRAINING',
  'ECOMPUTE_HOST_NOT_UPGRADED',
  'ECOMPUTE_HOST_UNKNOWN',
  'ECOMPUTE_HOST_UP',
  'ECOMPUTE_IMAGE_CHECKSUM_MISSING',
  'ECOMPUTE_IMAGE_CHECKSUM_WRONG',
  'ECOMPUTE_IMAGE_DOWNLOAD_FAILED',
  'ECOMPUTE_IMAGE_IN_USE',
  'ECOMPUTE_IMAGE_NOT_USABLE',
  'ECOMPUTE_IMAGE_NO_SPACE',
  'ECOMPUTE_IMAGE_STORE_FAILED',
  'ECOMPUTE_IMAGE_STORE_REFUSED',
  'ECOMPUTE_IMAGE_TIMED_OUT',
  'ECOMPUTE_IMAGE_TOO_LARGE',
  'ECOMPUTE_IMAGE_URL_REFUSED',
  'ECOMPUTE_IMAGE_WISH_FAILED',
  'ECOMPUTE_INSTANCE_AMBIGUOUS',
  'ECOMPUTE_INSTANCE_CHANGED',
  'ECOMPUTE_INSTANCE_FAILED',
  'ECOMPUTE_INSTANCE_LOCKED',
  'ECOMPUTE_INSTANCE_NAME_TAKEN',
  'ECOMPUTE_INSTANCE_UNKNOWN',
  'ECOMPUTE_INTERNAL',
  'ECOMPUTE_LIBVIRT_CHANGED',
  'ECOMPUTE_LIBVIRT_FAILED',
  'ECOMPUTE_LIBVIRT_UNREACHABLE',
  'ECOMPUTE_METADATA_FAILED',
  'ECOMPUTE_NETWORK_FAILED',
  'ECOMPUTE_NETWORK_FULL',
  'ECOMPUTE_NO_CANDIDATES',
  'ECOMPUTE_PLACEMENT_BAD_REPLY',
  'ECOMPUTE_PLACEMENT_CONFLICT',
  'ECOMPUTE_PLACEMENT_FAILED',
  'ECOMPUTE_PLACEMENT_NOT_FOUND',
  'ECOMPUTE_PLACEMENT_REFUSED',
  'ECOMPUTE_PLACEMENT_TOO_OLD',
  'ECOMPUTE_PLACEMENT_UNAUTHORIZED',
  'ECOMPUTE_PLACEMENT_UNREACHABLE',
  'ECOMPUTE_RECORD_CONFLICT',
  'ECOMPUTE_REQUEST_INVALID',
  'ECOMPUTE_SNAPSHOT_FAILED',
  'ECOMPUTE_SNAPSHOT_NAME_TAKEN',
  'ECOMPUTE_SNAPSHOT_UNKNOWN',
  'ECOMPUTE_SSH_FAILED',
  'ECOMPUTE_STATE_DIR_UNUSABLE',
  'ECOMPUTE_STEP_TIMED_OUT',
  'ECOMPUTE_TIMED_OUT',
  'ECOMPUTE_TRANSFER_REFUSED',
  'ECOMPUTE_TRANSFER_UNFINISHED',
  'ECOMPUTE_TUNNEL_FAILED',
  'ECOMPUTE_UNDO_FAILED',
  'ECOMPUTE_USAGE',
  'ECOMPUTE_WISH_FAILED',
  'ECOMPUTE_WISH_REFUSED',
] as const;

export type ErrorCode = (typeof ERROR_CODES)[number];

export interface ErrorFields {
  /** What the person can do about it: a command to run, a key to set. */
  readonly hint?: string;
  /** Ids, expected and actual values. */
  readonly details?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
  /** True when the same request may succeed elsewhere or later, unchanged. */
  readonly retryable?: boolean;
}

/** An error that names the thing, the reason and the next step. The cause is attached, never pasted into the message. */
export class EcomputeError extends Error {
  override readonly name = 'EcomputeError';
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly details: Readonly<Record<string, unknown>>;
  readonly retryable: boolean;

  constructor(code: ErrorCode, message: string, fields: ErrorFields = {}) {
    super(message, fields.cause === undefined ? undefined : { cause: fields.cause });
    this.code = code;
    this.hint = fields.hint;
    this.details = fields.details ?? {};
    this.retryable = fields.retryable ?? false;
  }
}

export const toError = (thrown: unknown): Error =>
  thrown instanceof Error ? thrown : new Error(typeof thrown === 'string' ? thrown : JSON.stringify(thrown));

/** Causes can go in a circle. */
const MAX_CAUSES = 10;

/** The messages of an error and its causes, outermost first, joined with colons; a message said twice is said once. */
export const formatErrorChain = (thrown: unknown): string => {
  const messages: string[] = [];
  let error: unknown = thrown;
  for (let depth = 0; error !== undefined && error !== null && depth < MAX_CAUSES; depth += 1) {
    const { message, cause } = toError(error);
    if (message !== '' && !messages.some((said) => said.includes(message))) messages.push(message);
    error = cause;
  }
  return messages.join(': ');
};

export const isAbort = (thrown: unknown): boolean =>
  thrown instanceof Error &&
  (thrown.name === 'AbortError' || (thrown instanceof EcomputeError && thrown.code === 'ECOMPUTE_ABORTED'));
