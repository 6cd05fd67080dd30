import { Readable } from 'node:stream';
import type { Bucket } from './bucket.js';

export interface ObjectRange {
  readonly key: string;
  /** Both ends included. */
  readonly start: number;
  readonly end: number;
}

/** Connections break: what is missing is then asked for, as long as each of them brings something. */
const MAX_IDLE_ATTEMPTS = 3;

/** What an object has there, piece by piece. @throws as `Bucket.ask` does, when it is read. */
export const readObject = (bucket: Bucket, range: ObjectRange): Readable =>
  Readable.from(readOn(bucket, range), { objectMode: false, highWaterMark: 256 * 1024 });

async function* readOn(bucket: Bucket, { key, start, end }: ObjectRange): AsyncGenerator<Uint8Array> {
  let next = start;
  let idleAttempts = 0;
  while (next <= end) {
    const before = next;
    try {
      for await (const chunk of ask(bucket, { key, start: next, end })) {
        next += chunk.length;
        yield chunk;
      }
      if (next <= end) throw new Error(`an answer ended ${end + 1 - next} bytes early`);
    } catch (err) {
      idleAttempts = next === before ? idleAttempts + 1 : 0;
      const error = bucket.toError('read an image', err);
      if (idleAttempts >= MAX_IDLE_ATTEMPTS || !('retryable' in error && error.retryable === true)) throw error;
    }
  }
}

/** One request. Only what S3 takes counts for the deadline, not what the reader does in between. */
async function* ask(
  { sdk, ask: send, client, bucket, timeoutMs }: Bucket,
  range: ObjectRange,
): AsyncGenerator<Uint8Array> {
  const Range = `bytes=${range.start}-${range.end}`;
  const { Body } = await send('read an image', async (options) =>
    client.send(new sdk.GetObjectCommand({ Bucket: bucket, Key: range.key, Range }), options),
  );
  if (!(Body instanceof Readable)) throw new TypeError('the SDK gave no stream of Node');
  const startTimer = (): NodeJS.Timeout =>
    setTimeout(() => Body.destroy(new Error(`nothing came for ${timeoutMs / 1000} s`)), timeoutMs);
  let timer = startTimer();
  try {
    for await (const chunk of Body) {
      clearTimeout(timer);
      yield chunk;
      timer = startTimer();
    }
  } finally {
    clearTimeout(timer);
    Body.destroy();
  }
}
