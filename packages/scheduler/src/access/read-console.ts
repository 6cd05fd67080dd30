import { backoff, sleep } from '@etcd-compute/common/async/sleep';
import {
  CONSOLE_HEADERS,
  formatPosition,
  parsePosition,
  type ConsolePosition,
} from '@etcd-compute/common/endpoint/protocol';
import { EcomputeError, formatErrorChain } from '@etcd-compute/common/errors';
import type { Cloud } from '../cloud.js';
import { isDeleted, readInstances, type InstanceEntry } from '../instances/instance-entry.js';
import { getFromEndpoint } from './connect-endpoint.js';
import { findEndpoint } from './find-endpoint.js';

export interface ReadConsoleOptions {
  readonly cloud: Cloud;
  readonly entry: InstanceEntry;
  readonly isFollowing: boolean;
  /** The last lines alone; undefined is all. */
  readonly tail: number | undefined;
  /** Resolves when it may be given more. */
  readonly write: (bytes: Buffer) => Promise<void>;
  readonly note: (text: string) => void;
  readonly signal: AbortSignal;
}

/** One answer ends where a file of the log ends; the next one begins there. */
interface Progress {
  position: ConsolePosition | undefined;
  /** All that there was has been read. */
  isComplete: boolean;
  /** Bytes came since it was last asked. */
  hasMoved: boolean;
}

const RETRY_MS = { minMs: 200, maxMs: 5_000 };

/**
 * Writes the console log of an instance. One that is followed goes on wherever it was cut off: after the agent or etcd was away, and
 * when the log was moved aside or begun anew. It ends when the instance is deleted.
 *
 * @throws what keeps it from beginning, and what cuts off a log that is not followed.
 */
export const readConsole = async (options: ReadConsoleOptions): Promise<void> => {
  const { cloud, isFollowing, note, signal } = options;
  const progress: Progress = { position: undefined, isComplete: false, hasMoved: false };
  let { entry } = options;
  let trouble: string | undefined;
  for (let attempt = 1; ; attempt += 1) {
    progress.hasMoved = false;
    try {
      if (attempt > 1) entry = (await readInstances(cloud, [entry]))[0] ?? entry;
      if (isDeleted(entry) || (!entry.record && !entry.request)) {
        if (progress.position === undefined) throw deleted(entry);
        note(`eschedule: instance ${entry.instance} has been deleted`);
        return;
      }
      await readOnce({ ...options, entry }, progress);
      trouble = undefined;
      if (progress.isComplete && !isFollowing) return;
    } catch (err) {
      if (signal.aborted || !isFollowing || !isWorthWaiting(err, entry, progress)) throw err;
      const text = formatErrorChain(err);
      if (text !== trouble) note(`eschedule: ${text}; trying again`);
      trouble = text;
    }
    if (progress.hasMoved) attempt = 1;
    // A log that goes on in its next file is no trouble.
    if (!progress.hasMoved || trouble !== undefined) await sleep(backoff(attempt, RETRY_MS), signal);
  }
};

const deleted = ({ instance }: InstanceEntry): EcomputeError =>
  new EcomputeError('ECOMPUTE_CONSOLE_MISSING', `instance ${instance} is deleted, and its console log with it`);

/** Before the first byte only a guest that is to come is waited for; later, everything that may pass. */
const isWorthWaiting = (err: unknown, { record }: InstanceEntry, { position }: Progress): boolean => {
  if (!(err instanceof EcomputeError)) return false;
  if (position !== undefined) return err.retryable || err.code === 'ECOMPUTE_CONSOLE_MISSING';
  const isToCome = record?.state === 'scheduled' || record?.state === 'building';
  return isToCome && (err.code === 'ECOMPUTE_CONSOLE_MISSING' || err.code === 'ECOMPUTE_ENDPOINT_MISSING');
};

const pathOf = ({ entry, isFollowing, tail }: ReadConsoleOptions, { position }: Progress): string => {
  const query = new URLSearchParams();
  if (isFollowing) query.set('follow', 'true');
  if (position) query.set('from', formatPosition(position));
  else if (tail !== undefined) query.set('tail', String(tail));
  return `/instances/${entry.instance}/console?${query.toString()}`;
};

const readOnce = async (options: ReadConsoleOptions, progress: Progress): Promise<void> => {
  const { cloud, entry, write, note, signal } = options;
  const endpoint = await findEndpoint(cloud, entry.host);
  const response = await getFromEndpoint(endpoint, { path: pathOf(options, progress), signal });
  const header = (name: string): string => String(response.headers[name] ?? '');
  const start = parsePosition(header(CONSOLE_HEADERS.position));
  if (!start)
    throw new EcomputeError('ECOMPUTE_ENDPOINT_REFUSED', `host ${endpoint.hostName} did not say where its log begins`);
  if (header(CONSOLE_HEADERS.gap) === 'true')
    note('eschedule: what comes now does not follow: the log was begun anew, or has gone on without us');
  let { offset } = start;
  progress.position = start;
  try {
    for await (const chunk of response) {
      if (!Buffer.isBuffer(chunk)) continue;
      await write(chunk);
      offset += chunk.length;
      progress.position = { file: start.file, offset };
      progress.hasMoved = true;
    }
  } catch (cause) {
    throw new EcomputeError('ECOMPUTE_ENDPOINT_UNREACHABLE', `the log from host ${endpoint.hostName} broke off`, {
      cause,
      retryable: true,
      hint: 'its agent may have been restarted: try again',
    });
  }
  progress.isComplete = header(CONSOLE_HEADERS.newest) === 'true';
};
