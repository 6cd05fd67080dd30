import { backoff, sleep } from '@etcd-compute/common/async/sleep';
import {
  CONSOLE_HEADERS,
  formatPosition,
  parsePosition,
  type ConsolePosition,
} from '@etcd-compute/common/endpoint/protocol';
import { EcomputeError, formatErrorChain, toError } from '@etcd-compute/common/errors';
import { findInstance } from '../instances/find-instance.js';
import { run, type Run, type RunOptions } from '../run.js';
import type { Services } from '../services.js';
import { isDeleted, readInstances, type InstanceEntry } from '../instances/instance-entry.js';
import { getFromEndpoint } from './connect-endpoint.js';
import { findEndpoint } from './find-endpoint.js';

export interface ReadConsoleOptions extends RunOptions {
  readonly isFollowing?: boolean;
  /** Somebody types there: what comes is sent at once. */
  readonly isLive?: boolean;
  /** The last lines alone; undefined is all. */
  readonly tail?: number | undefined;
  /** Where it begins is settled: what the guest says from now on is not missed. */
  readonly onBegin?: () => void;
  /** Resolves when it may be given more. */
  readonly write: (bytes: Buffer) => Promise<void>;
}

interface Reading extends ReadConsoleOptions {
  readonly services: Services;
  readonly entry: InstanceEntry;
  readonly running: Run;
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
 * Writes the console log of an instance. A followed log continues where it was cut off: after the agent or etcd was away, and after a
 * rotation or a new start of the log. It ends when the instance is deleted.
 *
 * @throws what keeps it from beginning, and what cuts off a log that is not followed.
 */
export const readConsole = async (services: Services, uuidOrName: string, options: ReadConsoleOptions): Promise<void> =>
  run(options, async (running) => {
    const entry = await findInstance(services, uuidOrName);
    await readAll({ ...options, services, entry, running });
  });

const readAll = async (options: Reading): Promise<void> => {
  const { services, isFollowing = false, running } = options;
  const { signal, emit } = running;
  const progress: Progress = { position: undefined, isComplete: false, hasMoved: false };
  let { entry } = options;
  const { instance } = entry;
  let trouble: string | undefined;
  for (let attempt = 1; ; attempt += 1) {
    progress.hasMoved = false;
    try {
      if (attempt > 1) entry = (await readInstances(services, [entry]))[0] ?? entry;
      if (isDeleted(entry) || (!entry.record && !entry.request)) {
        if (progress.position === undefined) throw deleted(entry);
        emit({ type: 'console-ended', instance });
        return;
      }
      await readOnce({ ...options, entry }, progress);
      trouble = undefined;
      if (progress.isComplete && !isFollowing) return;
    } catch (thrown) {
      const error = toError(thrown);
      if (signal.aborted || !isFollowing || !isWorthWaiting(error, entry, progress)) throw error;
      const text = formatErrorChain(error);
      if (text !== trouble) emit({ type: 'console-retried', instance, error });
      trouble = text;
    }
    if (progress.hasMoved) attempt = 1;
    // Continuing in the next file is normal.
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

const pathOf = ({ entry, isFollowing, isLive, tail }: Reading, { position }: Progress): string => {
  const query = new URLSearchParams();
  if (isFollowing) query.set('follow', 'true');
  if (isLive) query.set('live', 'true');
  if (position) query.set('from', formatPosition(position));
  else if (tail !== undefined) query.set('tail', String(tail));
  return `/instances/${entry.instance}/console?${query.toString()}`;
};

const readOnce = async (options: Reading, progress: Progress): Promise<void> => {
  const { services, entry, write, onBegin, running } = options;
  const { signal, emit } = running;
  const endpoint = await findEndpoint(services, entry.host);
  const response = await getFromEndpoint(endpoint, { path: pathOf(options, progress), signal });
  const header = (name: string): string => String(response.headers[name] ?? '');
  const start = parsePosition(header(CONSOLE_HEADERS.position));
  if (!start)
    throw new EcomputeError(
      'ECOMPUTE_ENDPOINT_REFUSED',
      `host ${endpoint.hostName} did not send the start position of its log`,
    );
  if (header(CONSOLE_HEADERS.gap) === 'true') emit({ type: 'console-gap', instance: entry.instance });
  let { offset } = start;
  if (!progress.position) onBegin?.();
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
    throw new EcomputeError('ECOMPUTE_ENDPOINT_UNREACHABLE', `the log from host ${endpoint.hostName} was cut off`, {
      cause,
      retryable: true,
      hint: 'its agent may have been restarted: try again',
    });
  }
  progress.isComplete = header(CONSOLE_HEADERS.newest) === 'true';
};
