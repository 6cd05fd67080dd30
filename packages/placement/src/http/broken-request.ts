import { randomUUID } from 'node:crypto';
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { renderError } from './error-reply.js';
import { HttpError } from './http-error.js';

/** Answers what is no HTTP: no request comes of it, so this writes to the connection itself, and ends it. */
export const refuseBrokenRequest = (error: NodeJS.ErrnoException, socket: Socket): void => {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const status = error.code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 408 : 400;
  const requestId = `req-${randomUUID()}`;
  const { contentType, body } = renderError(new HttpError(status, { detail: explain(error) }), {
    method: '',
    accept: undefined,
    contentType: undefined,
    requestId,
    version: undefined,
  });
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    `content-type: ${contentType}`,
    `content-length: ${Buffer.byteLength(body)}`,
    `x-openstack-request-id: ${requestId}`,
    'connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
};

const explain = ({ code, message }: NodeJS.ErrnoException): string =>
  code === 'HPE_INVALID_CONTENT_LENGTH' ? 'content-length header must be an integer' : message;
