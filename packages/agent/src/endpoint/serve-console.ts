import type { ServerResponse } from 'node:http';
import { isAbort } from '@etcd-compute/common/errors';
import { sleep } from '@etcd-compute/common/async/sleep';
import { CONSOLE_HEADERS, formatPosition, type ConsolePosition } from '@etcd-compute/common/endpoint/protocol';
import { EcomputeError } from '@etcd-compute/common/errors';
import type { InstanceUuid } from '@etcd-compute/common/ids';
import { findTail, locate, type Start } from '../consoles/console-positions.js';
import { findCurrentId, withConsoleFiles, type ConsoleFile } from '../consoles/open-console.js';

export interface ConsoleQuery {
  readonly instance: InstanceUuid;
  readonly follow: boolean;
  /** Somebody types there. */
  readonly isLive: boolean;
  /** Where to start; without either, at the beginning. */
  readonly from: ConsolePosition | undefined;
  readonly tail: number | undefined;
}

const CHUNK_BYTES = 64 * 1024;
/** How often to check a followed log: two system calls. */
const LOOK_EVERY_MS = 200;
/** People notice more than this between a key and its echo. */
const LOOK_LIVE_EVERY_MS = 25;

/**
 * Sends one file of a console log. A reader costs one buffer, however slow it is: nothing is read before the last read is sent.
 *
 * @param signal ends a following stream cleanly.
 */
export const serveConsole = async (
  response: ServerResponse,
  query: ConsoleQuery,
  { folder, signal }: { folder: string; signal: AbortSignal },
): Promise<void> => {
  const { instance, follow, isLive } = query;
  const { keep, start, isNewest } = await withConsoleFiles({ folder, instance }, async (files) => {
    if (files.length === 0) throw missing(instance);
    const start = await findStart(files, query, signal);
    return { keep: files[start.index], start, isNewest: start.index === files.length - 1 };
  });
  if (!keep) throw missing(instance);
  try {
    response.writeHead(200, {
      'content-type': 'application/octet-stream',
      [CONSOLE_HEADERS.position]: formatPosition({ file: keep.id, offset: start.offset }),
      [CONSOLE_HEADERS.newest]: String(isNewest),
      [CONSOLE_HEADERS.gap]: String(start.isGap),
    });
    response.flushHeaders();
    const isContinuedElsewhere = async (): Promise<boolean> => (await findCurrentId(folder, instance)) !== keep.id;
    await sendFile(response, keep, {
      offset: start.offset,
      // Otherwise writes during the reading would move the end away.
      end: isNewest ? keep.sizeBytes : Number.POSITIVE_INFINITY,
      lookEveryMs: isLive ? LOOK_LIVE_EVERY_MS : LOOK_EVERY_MS,
      isOver: follow && isNewest ? isContinuedElsewhere : undefined,
      signal,
    });
    response.end();
  } finally {
    await keep.handle.close();
  }
};

const findStart = async (files: readonly ConsoleFile[], query: ConsoleQuery, signal: AbortSignal): Promise<Start> => {
  if (query.from) return locate(files, query.from);
  if (query.tail !== undefined) return findTail(files, query.tail, signal);
  return { index: 0, offset: 0, isGap: false };
};

const missing = (instance: InstanceUuid): EcomputeError =>
  new EcomputeError('ECOMPUTE_CONSOLE_MISSING', `there is no console log of instance ${instance} on its host`, {
    hint: 'a guest has one from its first start on; see `eschedule show`',
  });

interface SendOptions {
  readonly offset: number;
  readonly end: number;
  readonly lookEveryMs: number;
  /** Set to follow the file: whether nothing more will be appended. */
  readonly isOver: (() => Promise<boolean>) | undefined;
  readonly signal: AbortSignal;
}

const sendFile = async (
  response: ServerResponse,
  { handle }: ConsoleFile,
  { offset: from, end, lookEveryMs, isOver, signal }: SendOptions,
): Promise<void> => {
  const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
  let offset = from;
  /** Sends what there is. */
  const send = async (limit: number): Promise<void> => {
    while (offset < limit && !signal.aborted) {
      const { bytesRead } = await handle.read(buffer, 0, Math.min(CHUNK_BYTES, limit - offset), offset);
      if (bytesRead === 0) return;
      await write(response, buffer.subarray(0, bytesRead));
      offset += bytesRead;
    }
  };
  if (!isOver) return send(end);
  for (;;) {
    await send(Number.POSITIVE_INFINITY);
    if (signal.aborted) return;
    const hasEnded = await isOver();
    // Everything written before the rotation is there now.
    await send(Number.POSITIVE_INFINITY);
    const isCut = (await handle.stat()).size < offset;
    if (hasEnded || isCut) return;
    await sleep(lookEveryMs, signal).catch((err: unknown) => {
      if (!isAbort(err)) throw err;
    });
  }
};

/** Resolves when the bytes have left the process. */
const write = async (response: ServerResponse, bytes: Buffer): Promise<void> =>
  new Promise((resolve, reject) => {
    response.write(bytes, (err) => (err ? reject(err) : resolve()));
  });
