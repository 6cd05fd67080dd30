import { Readable } from 'node:stream';
import type { RawData, WebSocket } from 'ws';
import type { End } from './describe-end.js';

/** What a client sends, as text or in binary. Nothing more is read of it while that is not taken. */
export const readSocket = (socket: WebSocket): Readable => {
  const input = new Readable({
    read: () => {
      if (socket.readyState === socket.OPEN) socket.resume();
    },
  });
  // 'close' follows.
  socket.on('error', () => undefined);
  socket.on('message', (data) => {
    if (!input.push(toBuffer(data))) socket.pause();
  });
  socket.once('close', () => input.push(null));
  return input;
};

const toBuffer = (data: RawData): Buffer => {
  if (Buffer.isBuffer(data)) return data;
  return Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data);
};

/** Sends what a guest says: as it is, or as text to who has asked for that. It resolves when the bytes have left, or nobody takes them any more. */
export const writerOf = (socket: WebSocket): ((bytes: Buffer) => Promise<void>) => {
  const decoder = socket.protocol === 'text' ? new TextDecoder() : undefined;
  return async (bytes) =>
    new Promise((resolve) => {
      // It is thrown away, and others have their turn.
      if (socket.readyState !== socket.OPEN) setImmediate(resolve);
      else socket.send(decoder ? decoder.decode(bytes, { stream: true }) : bytes, () => resolve());
    });
};

/** For what is still to be sent, and the answer of the client. */
const FAREWELL_MS = 2000;

export const closeSocket = async (socket: WebSocket, { code, reason }: End): Promise<void> => {
  if (socket.readyState === socket.CLOSED) return;
  await new Promise<void>((resolve) => {
    const timer = setTimeout(() => socket.terminate(), FAREWELL_MS);
    socket.once('close', () => {
      clearTimeout(timer);
      resolve();
    });
    // What it still sends is thrown away; its answer is to be read.
    socket.removeAllListeners('message');
    socket.resume();
    socket.close(code, reason);
  });
};
