import { EcomputeError } from '@etcd-compute/common/errors';

/** What a client of a console is told when it ends: see RFC 6455, 7.4. Neither hosts nor other users are named. */
export interface End {
  readonly code: number;
  /** At most 123 bytes. */
  readonly reason: string;
  /** Somebody who runs the cloud should know. */
  readonly isFault?: true;
}

export const ENDS = {
  closed: { code: 1000, reason: 'The console was closed: the server has stopped, or nothing was typed for long.' },
  taken: { code: 1000, reason: 'The console was opened elsewhere.' },
  left: { code: 1000, reason: '' },
  stopping: { code: 1001, reason: 'The API server is stopping: ask for another console.' },
  notAllowed: { code: 1008, reason: 'The console may not be used any more.' },
  unreachable: { code: 1013, reason: 'The console cannot be reached at the moment: try again later.', isFault: true },
  failed: { code: 1011, reason: 'The console has failed.', isFault: true },
} as const satisfies Readonly<Record<string, End>>;

/** @param thrown by the cloud. */
export const describeEnd = (thrown: unknown): End => {
  if (!(thrown instanceof EcomputeError)) return ENDS.failed;
  if (thrown.code === 'ECOMPUTE_CONSOLE_BUSY') return ENDS.taken;
  if (thrown.code === 'ECOMPUTE_CONSOLE_CLOSED') return thrown.retryable ? ENDS.unreachable : ENDS.closed;
  return thrown.retryable ? ENDS.unreachable : ENDS.failed;
};
