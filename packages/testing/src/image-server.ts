/**
 * A plain HTTP server of a few files, the way a mirror of images answers: Range, ETag and Last-Modified, If-Range and
 * If-None-Match. Each file can be given a fault, and every request is kept for a test to look at.
 */
import { EventEmitter, once } from 'node:events';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { basename } from 'node:path';

/**
 * `hang`: answers only when the fault is ended · `hang-body`: headers and half of the body, then silence · `cut`: half of the body, then the
 * connection is reset · `slow`: a sixteenth at a time, with pauses · `404`, `500`, `503` · `html`: status 200 and a web page ·
 * `empty`: status 200 and no byte · `no-range`: the whole file whatever was asked for · `no-length`: the whole file, chunked, without a length or validators.
 */
export type ImageFault =
  | 'hang'
  | 'hang-body'
  | 'cut'
  | 'slow'
  | '404'
  | '500'
  | '503'
  | 'html'
  | 'empty'
  | 'no-range'
  | 'no-length';

export interface ImageRequest {
  readonly name: string;
  readonly method: string;
  readonly range?: string;
  /** 0 until headers are sent. */
  status: number;
  /** Of the file, sent so far. */
  bytes: number;
}

export interface ImageServerOptions {
  /** Default 127.0.0.1. */
  readonly host?: string;
  readonly port?: number;
  /** Names that answer with a 302 to another URL. */
  readonly redirects?: Readonly<Record<string, string>>;
}

export interface ImageServer extends AsyncDisposable {
  readonly port: number;
  readonly requests: readonly ImageRequest[];
  url(name: string): string;
  /** Adds a file, or changes which file a name stands for. */
  setFile(name: string, path: string): void;
  /** From the next request on; `times` requests only when given; undefined ends the fault. */
  setFault(name: string, fault: ImageFault | undefined, times?: number): void;
  /** Resets open connections too. */
  stop(): Promise<void>;
}

/** The pause of a slow reply. */
const SLOW_MS = 200;

interface ServedFile {
  readonly path: string;
  readonly size: number;
  readonly etag: string;
  readonly modified: Date;
}

/** Serves `files` (name to path) at `/<name>`; files are read when asked for, so they may change. */
export async function startImageServer(
  files: Readonly<Record<string, string>>,
  options: ImageServerOptions = {},
): Promise<ImageServer> {
  const host = options.host ?? '127.0.0.1';
  const paths = new Map(Object.entries(files));
  const faults = new Map<string, { fault: ImageFault; remaining: number }>();
  const requests: ImageRequest[] = [];
  const ended = new EventEmitter().setMaxListeners(0);

  const takeFault = (name: string): ImageFault | undefined => {
    const entry = faults.get(name);
    if (!entry) return undefined;
    entry.remaining -= 1;
    if (entry.remaining <= 0) faults.delete(name);
    return entry.fault;
  };

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const name = decodeURIComponent(new URL(request.url ?? '/', 'http://any').pathname.slice(1));
    const { range } = request.headers;
    const record: ImageRequest = {
      name,
      method: request.method ?? '',
      ...(range !== undefined && { range }),
      status: 0,
      bytes: 0,
    };
    requests.push(record);
    response.on('finish', () => (record.status = response.statusCode));
    response.on('close', () => (record.status = response.headersSent ? response.statusCode : 0));
    const target = options.redirects?.[name];
    if (target !== undefined) return void response.writeHead(302, { location: target }).end();
    const fault = takeFault(name);
    const path = paths.get(name);
    if (fault === '500' || fault === '503') return void response.writeHead(Number(fault)).end('broken on purpose\n');
    if (fault === '404' || path === undefined) return void response.writeHead(404).end('no such image\n');
    if (fault === 'hang') await once(ended, name);
    if (fault === 'empty') return void response.writeHead(200, { 'content-length': 0 }).end();
    if (fault === 'html') {
      return void response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><p>please log in</p>\n');
    }
    await sendFile({ request, response, record, file: await describeFile(path), fault });
  };

  // Closing an idle connection can race with the next request on it.
  const server = createServer({ keepAliveTimeout: 0 }, (request, response) => {
    answer(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port: options.port ?? 0 }, resolve);
  });
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;

  const stop = async (): Promise<void> => {
    if (!server.listening) return;
    await new Promise((resolve) => {
      server.close(resolve);
      server.closeAllConnections();
    });
  };
  return {
    port,
    requests,
    url: (name) => `http://${host}:${port}/${encodeURIComponent(name)}`,
    setFile: (name, path) => void paths.set(name, path),
    setFault: (name, fault, times = Number.POSITIVE_INFINITY) => {
      if (fault === undefined) {
        faults.delete(name);
        ended.emit(name);
      } else faults.set(name, { fault, remaining: times });
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

async function describeFile(path: string): Promise<ServedFile> {
  const { size, mtime, ino } = await stat(path);
  return {
    path,
    size,
    etag: `"${ino.toString(16)}-${size.toString(16)}-${mtime.getTime().toString(16)}"`,
    modified: mtime,
  };
}

interface Reply {
  readonly record: ImageRequest;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly file: ServedFile;
  readonly fault: ImageFault | undefined;
}

async function sendFile({ record, request, response, file, fault }: Reply): Promise<void> {
  const headers = {
    'content-type': 'application/octet-stream',
    'content-disposition': `attachment; filename="${basename(file.path)}"`,
    ...(fault !== 'no-length' && { etag: file.etag, 'last-modified': file.modified.toUTCString() }),
    ...(fault !== 'no-range' && fault !== 'no-length' && { 'accept-ranges': 'bytes' }),
  };
  if (request.headers['if-none-match'] === file.etag) return void response.writeHead(304, headers).end();
  const range = fault === 'no-range' || fault === 'no-length' ? undefined : parseRange(request, file);
  if (range === 'unsatisfiable') {
    return void response.writeHead(416, { ...headers, 'content-range': `bytes */${file.size}` }).end();
  }
  const { start, end } = range ?? { start: 0, end: file.size - 1 };
  response.writeHead(range ? 206 : 200, {
    ...headers,
    ...(fault !== 'no-length' && { 'content-length': end - start + 1 }),
    ...(range && { 'content-range': `bytes ${start}-${end}/${file.size}` }),
  });
  if (request.method === 'HEAD' || end < start) return void response.end();
  const isPartial = fault === 'cut' || fault === 'hang-body';
  const lastByte = isPartial ? start + Math.floor((end - start) / 2) : end;
  const count = async function* (chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of chunks) {
      if (fault === 'slow') await delay(SLOW_MS);
      record.bytes += chunk.length;
      yield chunk;
    }
  };
  const highWaterMark = fault === 'slow' ? Math.ceil(file.size / 16) : undefined;
  await pipeline(createReadStream(file.path, { start, end: lastByte, highWaterMark }), count, response, {
    end: !isPartial,
  });
  // Only after the half has left: a reset throws away what is still in the socket's buffer.
  if (fault === 'cut') response.socket?.end(() => response.socket?.resetAndDestroy());
}

/** One range only, as image downloads ask for; anything else is answered with the whole file, as RFC 9110 allows. */
function parseRange(
  request: IncomingMessage,
  file: ServedFile,
): { start: number; end: number } | 'unsatisfiable' | undefined {
  const match = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '');
  if (!match) return undefined;
  const condition = request.headers['if-range'];
  if (condition !== undefined && condition !== file.etag && condition !== file.modified.toUTCString()) return undefined;
  const start = Number(match[1]);
  if (start >= file.size) return 'unsatisfiable';
  return { start, end: match[2] ? Math.min(Number(match[2]), file.size - 1) : file.size - 1 };
}
